//! Sending lines as UDP packets, which never waits: a packet that cannot go
//! now does not go.

use core::net::SocketAddr;

use rustix::fd::OwnedFd;
use rustix::io::{Errno, IoSlice};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType, ipproto, sendmsg_addr,
    socket_with,
};

use crate::target::Record;

/// A socket, and where it sends to.
pub struct Sender {
    socket: Result<OwnedFd, Errno>,
    to: SocketAddr,
}

impl Sender {
    /// For packets to `to`. Without a socket every packet fails.
    pub fn new(to: SocketAddr) -> Self {
        let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::DGRAM, flags, Some(ipproto::UDP));
        Self { socket, to }
    }

    /// Sends a line; whether the kernel took it.
    pub fn send(&mut self, record: &Record<'_>) -> bool {
        if self.socket.is_err() {
            *self = Self::new(self.to);
        }
        let Ok(socket) = &self.socket else { return false };
        let parts = [record.stamp, record.prefix, record.text, record.dots, b"\n"];
        let parts = parts.map(IoSlice::new);
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        loop {
            let mut nothing = SendAncillaryBuffer::default();
            match sendmsg_addr(socket, &self.to, &parts, &mut nothing, flags) {
                Err(Errno::INTR) => {}
                other => return other.is_ok(),
            }
        }
    }
}
