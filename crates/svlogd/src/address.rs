//! Addresses of receivers: `A.B.C.D[:PORT]` and `[IPV6][:PORT]`. The core
//! library's parsers would be a twelfth of the whole program.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::{Fault, number};

/// The syslog port.
const DEFAULT_PORT: u16 = 514;

/// Reads an address.
pub fn parse(text: &[u8]) -> Result<SocketAddr, Fault<'_>> {
    let is_v6 = text.first() == Some(&b'[');
    let end = if is_v6 { b']' } else { b':' };
    let length = text.iter().position(|&byte| byte == end).unwrap_or(text.len());
    let (host, mut port) = text.split_at(length);
    let address = if let Some(host) = host.strip_prefix(b"[") {
        port = port.strip_prefix(b"]").ok_or(Fault::Address(text))?;
        v6(host).map(|groups| Ipv6Addr::from(groups).into())
    } else {
        v4(host).map(|octets| Ipv4Addr::from(octets).into())
    };
    let address = address.ok_or(Fault::Address(text))?;
    let port = match port {
        [] => DEFAULT_PORT,
        [b':', digits @ ..] => number(digits)
            .and_then(|n| u16::try_from(n).ok())
            .filter(|&port| port != 0)
            .ok_or(Fault::Port(digits))?,
        other => return Err(Fault::Port(other)),
    };
    Ok(SocketAddr::new(address, port))
}

/// Four numbers up to 255, of at most three digits, without a leading zero,
/// which some take for octal.
fn v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split(|&byte| byte == b'.');
    for octet in &mut octets {
        let digits = parts.next()?;
        let value = number(digits).filter(|_| digits.len() == 1 || digits[0] != b'0')?;
        *octet = u8::try_from(value).ok()?;
    }
    if parts.next().is_some() { None } else { Some(octets) }
}

/// Eight groups of hexadecimal digits, of which one run of zeros, of any
/// length, may be written `::`; the last two may be an IPv4 address.
fn v6(text: &[u8]) -> Option<[u16; 8]> {
    let mut all = [0; 8];
    let Some(gap) = text.windows(2).position(|pair| pair == b"::") else {
        return (groups(text, true, &mut all)? == all.len()).then_some(all);
    };
    let count = groups(&text[..gap], false, &mut all)?;
    let mut behind = [0; 8];
    let count_behind = groups(&text[gap + 2..], true, &mut behind)?;
    // The gap stands for one group at least.
    let place = all.len().checked_sub(count_behind).filter(|&place| place > count)?;
    all[place..].copy_from_slice(&behind[..count_behind]);
    Some(all)
}

/// Puts the groups that `text` has into `room`; gives their number. At the
/// `end` of the address there may be one of IPv4.
fn groups(text: &[u8], end: bool, room: &mut [u16; 8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut count = 0;
    let mut parts = text.split(|&byte| byte == b':').peekable();
    while let Some(part) = parts.next() {
        if part.contains(&b'.') {
            let [a, b, c, d] = v4(part)?;
            if !end || parts.peek().is_some() {
                return None;
            }
            *room.get_mut(count)? = u16::from_be_bytes([a, b]);
            *room.get_mut(count + 1)? = u16::from_be_bytes([c, d]);
            return Some(count + 2);
        }
        if part.is_empty() || part.len() > 4 {
            return None;
        }
        let mut group = 0;
        for &byte in part {
            group = group << 4 | u16::try_from(char::from(byte).to_digit(16)?).ok()?;
        }
        *room.get_mut(count)? = group;
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn the_port_is_syslogs_unless_given() {
        let parsed = |text: &str| parse(text.as_bytes()).ok();
        assert_eq!(parsed("127.0.0.1"), "127.0.0.1:514".parse().ok());
        assert_eq!(parsed("10.1.2.3:5514"), "10.1.2.3:5514".parse().ok());
        assert_eq!(parsed("[fe80::2]"), "[fe80::2]:514".parse().ok());
        assert_eq!(parsed("[::1]:65535"), "[::1]:65535".parse().ok());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, fault) in [
            ("", Fault::Address(b"")),
            ("1.2.3", Fault::Address(b"1.2.3")),
            ("[::1", Fault::Address(b"[::1")),
            ("::1", Fault::Address(b"::1")),
            ("[1.2.3.4]", Fault::Address(b"[1.2.3.4]")),
            ("1.2.3.4:", Fault::Port(b"")),
            ("1.2.3.4:0", Fault::Port(b"0")),
            ("1.2.3.4:65536", Fault::Port(b"65536")),
            ("[::1]5", Fault::Port(b"5")),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(fault), "{text}");
        }
    }

    #[test]
    fn addresses_are_what_the_standard_library_takes_them_for() {
        let mut seed = 5_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % below
        };
        let mut valid = 0;
        for _ in 0..200_000 {
            let six = random(2) == 0;
            let parts = random(if six { 18 } else { 10 });
            let text: String = (0..parts)
                .map(|_| match (six, random(5)) {
                    (true, 0 | 1) => ":",
                    (true, 2) => ["::", "1.2.3.4", ".", "g"][random(4)],
                    (true, _) => ["0", "ab", "FFFF", "12345"][random(4)],
                    (false, 0 | 1) => ".",
                    (false, _) => ["0", "1", "25", "255", "256", "01"][random(6)],
                })
                .collect();
            let ours = if six {
                v6(text.as_bytes()).map(|g| Ipv6Addr::from(g).into())
            } else {
                v4(text.as_bytes()).map(|o| Ipv4Addr::from(o).into())
            };
            let theirs: Option<std::net::IpAddr> = if six {
                text.parse::<Ipv6Addr>().ok().map(Into::into)
            } else {
                text.parse::<Ipv4Addr>().ok().map(Into::into)
            };
            valid += usize::from(theirs.is_some());
            assert_eq!(ours, theirs, "{text:?}");
        }
        assert!(valid > 100, "{valid}");
    }
}
