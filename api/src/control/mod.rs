//! The operator's hands: commands on a running engine come through its control socket, commands on a folder that no
//! engine has are carried out by the same code on the store itself.
//!
//! [`words`] is what is asked and answered, [`Hands`] carries it out, [`socket`] is where a running engine listens,
//! [`server`] how it is served, [`client`] how it is asked.

mod client;
mod hands;
mod server;
mod socket;
mod words;

pub use client::{AskError, Copying, ask, copy};
pub use hands::Hands;
pub(crate) use hands::rfc3339;
pub use server::ControlServer;
pub use socket::{ControlSocket, SocketError, listens};
pub use words::{
    CopyOf, Kind, OwnerFields, OwnerLine, Refusal, Reply, Request, ScanLine, SessionAct, SessionLine, TagLine, TagMove,
    Verified,
};
