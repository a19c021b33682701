//! Receivers' addresses against the standard library's parser.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Tries an input.
pub fn run(data: &[u8]) {
    let ours = svlogd::address::parse(data).ok();
    let Ok(text) = std::str::from_utf8(data) else {
        assert_eq!(ours, None);
        return;
    };
    // The standard library takes these; `inet_pton` has its own idea of them.
    let is_mixed = text.starts_with('[') && text.contains('.');
    if is_mixed {
        return;
    }
    assert_eq!(ours, by_the_library(text), "{text:?}");
}

fn by_the_library(text: &str) -> Option<SocketAddr> {
    let (address, port): (IpAddr, &str) = if let Some(inner) = text.strip_prefix('[') {
        let (host, port) = inner.split_once(']')?;
        (host.parse::<Ipv6Addr>().ok()?.into(), port)
    } else {
        let end = text.find(':').unwrap_or(text.len());
        (text[..end].parse::<Ipv4Addr>().ok()?.into(), &text[end..])
    };
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        None if port.is_empty() => 514,
        _ => return None,
    };
    (port != 0).then_some(SocketAddr::new(address, port))
}
