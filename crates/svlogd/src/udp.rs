//! Sending lines as UDP packets, which never waits: a packet that cannot go
//! now does not go.

use core::net::SocketAddr;

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketFlags, SocketType, ipproto, sendto, socket_with,
};

use crate::out::Out;
use crate::rules::LONGEST_PREFIX;
use crate::stamp;
use crate::target::Record;

/// A socket, and where it sends to.
pub struct Sender {
    socket: Option<OwnedFd>,
    to: SocketAddr,
    packet: Out,
}

impl Sender {
    /// For packets to `to` with `length` bytes of a line.
    pub fn new(to: SocketAddr, length: usize) -> Result<Self, Errno> {
        const DOTS: usize = 4;
        let packet = Out::new(length + stamp::SIZE + LONGEST_PREFIX + DOTS)?;
        Ok(Self { socket: None, to, packet })
    }

    /// Sends a line; whether the kernel took it.
    pub fn send(&mut self, record: &Record<'_>) -> bool {
        if self.socket.is_none() {
            let family = if self.to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            self.socket = socket_with(family, SocketType::DGRAM, flags, Some(ipproto::UDP)).ok();
        }
        let Some(socket) = &self.socket else { return false };
        record.put_into(&mut self.packet);
        let packet = self.packet.waiting();
        let sent = loop {
            match sendto(socket, packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL, &self.to) {
                Err(Errno::INTR) => {}
                other => break other.is_ok(),
            }
        };
        self.packet.take(usize::MAX);
        sent
    }
}
