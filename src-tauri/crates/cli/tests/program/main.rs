//! The built program, from its arguments to what it prints: a real data folder, the simulator over a real socket.

mod chat;
mod desk;
mod image;
mod library;
mod terminal;
