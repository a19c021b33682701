//! Lines sent as UDP packets.

use std::net::{SocketAddr, UdpSocket};

use runit_tests::logs::{LogDir, log, numbered};
use runit_tests::prelude::*;
use runit_tests::wait::LIMIT;

struct Receiver(UdpSocket);

impl Receiver {
    fn new(address: &str) -> Self {
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self(socket)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    fn next(&self) -> String {
        let mut packet = [0; 8192];
        let length = self.0.recv(&mut packet).unwrap();
        String::from_utf8(packet[..length].to_vec()).unwrap()
    }
}

#[test]
fn selected_lines_are_sent_too() {
    let receiver = Receiver::new("127.0.0.1");
    let dir = LogDir::new(&format!("u{}\n-b*\np: \n", receiver.address()));
    log(&["-l", "10", "-b", "20"], &dir, "one\nbee\n123456789012345\n");
    assert_eq!([receiver.next(), receiver.next()], [": one\n", ": 1234567890...\n"]);
    assert_eq!(dir.current(), ": one\n: 123456789012345\n");
}

#[test]
fn lines_may_be_sent_only_and_have_stamps() {
    let receiver = Receiver::new("127.0.0.1");
    let dir = LogDir::new(&format!("U{}\n", receiver.address()));
    log(&["-tt"], &dir, "one\n");
    let packet = receiver.next();
    assert_eq!((packet.len(), &packet[26..]), (30, "one\n"));
    assert_eq!(dir.current(), "");
}

#[test]
fn they_are_sent_to_ipv6_addresses() {
    only_ours!("the reference knows IPv4 only");
    let receiver = Receiver::new("::1");
    let dir = LogDir::new(&format!("u{}\n", receiver.address()));
    log(&[], &dir, "one\n");
    assert_eq!((receiver.next().as_str(), dir.current().as_str()), ("one\n", "one\n"));
}

#[test]
fn what_cannot_be_sent_is_told_in_the_log() {
    // Nobody may send there without asking first.
    let dir = LogDir::new("U255.255.255.255\np: \n");
    assert_eq!(log(&[], &dir, "one\n"), (0, String::new()));
    let said = dir.current();
    assert_eq!(said.trim_end(), "warning: failure sending through udp: : one");
    let dir = LogDir::new("u255.255.255.255\n");
    log(&[], &dir, "one\n");
    assert!(dir.current().ends_with("one\n") && dir.current().starts_with("warning: "));
}

#[test]
fn a_receiver_that_is_full_or_absent_holds_up_nothing() {
    let full = Receiver::new("127.0.0.1");
    // At an address of its own: another test may get the port that is free again.
    let absent = Receiver::new("127.0.0.2").address();
    for address in [full.address(), absent] {
        let dir = LogDir::new(&format!("u{address}\ns0\n"));
        let lines = numbered(20_000, 200);
        assert_eq!(log(&[], &dir, &lines), (0, String::new()));
        assert!(dir.current() == lines);
    }
}
