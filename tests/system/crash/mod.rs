//! Crash anywhere: every scenario, with its worker killed before and after every single write.

mod outcome;
mod scenario;
mod scenarios;
mod site;
mod walk;
mod walks;
mod world;
