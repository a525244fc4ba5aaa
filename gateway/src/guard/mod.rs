//! Checks of every request before an endpoint sees it: by which host it calls the gateway, which web page sends it, what its
//! body says that it is; [`later`]: event streams that cannot begin now.

pub mod hosts;
pub mod later;
pub mod media;
pub mod origin;
