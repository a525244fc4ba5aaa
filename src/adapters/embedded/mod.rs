//! Log, queue and store in one SQLite file: one process, nothing to install, survives kill -9.
