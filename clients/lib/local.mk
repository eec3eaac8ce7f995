# clients/lib
