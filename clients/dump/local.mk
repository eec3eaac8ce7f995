# clients/dump
