"""llama.cpp's own server, from the package `xllamacpp`: llama_server.py MODEL PORT. It ends when its input ends."""

import sys

import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.n_ctx = 8192
parameters.n_parallel = 2
# Threads of llama.cpp wait busily for each other: with one, other processes do not slow it down by much.
parameters.cpuparams.n_threads = 1
parameters.cpuparams_batch.n_threads = 1
# An answer without an end is cut: small models seldom end theirs.
parameters.n_predict = 96
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(sys.argv[2])
server = xllamacpp.Server(parameters)
print("serves", server.listening_address, flush=True)
sys.stdin.read()
