//! Addresses of receivers: `A.B.C.D[:PORT]` and `[IPV6][:PORT]`. The core
//! library's parsers would be a twelfth of the whole program.

use core::net::{IpAddr, SocketAddr};

use runit_rt::bytes;

use crate::config::number;

/// The syslog port.
const DEFAULT_PORT: u16 = 514;

/// Reads an address.
pub fn parse(text: &[u8]) -> Result<SocketAddr, &'static str> {
    let wrong = "unable to scan ip address: ";
    let (port, address) = if let [b'[', inner @ ..] = text {
        let (host, port) = parted(inner, b']').ok_or(wrong)?;
        (port, v6(host).map(IpAddr::from))
    } else {
        let (host, _) = parted(text, b':').unwrap_or((text, b""));
        (text.get(host.len()..).unwrap_or_default(), v4(host).map(IpAddr::from))
    };
    let port = match port {
        [] => Some(DEFAULT_PORT),
        [b':', digits @ ..] => number(digits).and_then(|n| u16::try_from(n).ok()),
        _ => None,
    };
    let port = port.filter(|&port| port != 0);
    let address = address.ok_or(wrong)?;
    Ok(SocketAddr::new(address, port.ok_or("unable to scan port number: ")?))
}

/// What is before the first such byte, and what is behind it.
fn parted(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes::find(text, byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Four numbers up to 255, without a leading zero, which some take for octal.
fn v4(mut text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    for (index, octet) in octets.iter_mut().enumerate() {
        let digits = if index == 3 {
            text
        } else {
            let (digits, rest) = parted(text, b'.')?;
            text = rest;
            digits
        };
        if let [b'0', _, ..] = digits {
            return None;
        }
        *octet = u8::try_from(number(digits)?).ok()?;
    }
    Some(octets)
}

/// Eight groups of hexadecimal digits, of which one run of zeros, of any
/// length, may be written `::`.
fn v6(text: &[u8]) -> Option<[u16; 8]> {
    let mut groups = [0; 8];
    let mut count = 0;
    let mut gap = None;
    let mut rest = text;
    if let [b':', behind @ ..] = rest {
        // Then it is a gap, of which this is the first colon.
        rest = behind;
        behind.first().filter(|&&byte| byte == b':')?;
    }
    while !rest.is_empty() {
        if let [b':', behind @ ..] = rest {
            if gap.replace(count).is_some() {
                return None;
            }
            rest = behind;
            continue;
        }
        let mut digits = 0;
        let group = groups.get_mut(count)?;
        while let [digit, behind @ ..] = rest {
            rest = behind;
            if *digit == b':' {
                // One more must follow.
                rest.first()?;
                break;
            }
            digits += 1;
            let value = char::from(*digit).to_digit(16).filter(|_| digits <= 4)?;
            *group = *group << 4 | u16::try_from(value).ok()?;
        }
        count += 1;
    }
    match gap {
        None => (count == 8).then_some(groups),
        // It stands for one group at least.
        Some(_) if count == 8 => None,
        Some(gap) => {
            // What is behind the gap moves to the end.
            let (mut from, mut to) = (count, groups.len());
            while from > gap {
                from -= 1;
                to -= 1;
                let group = core::mem::take(groups.get_mut(from)?);
                *groups.get_mut(to)? = group;
            }
            Some(groups)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{Ipv4Addr, Ipv6Addr};
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
        for text in ["", "1.2.3", "[::1", "::1", "[1.2.3.4]", "[::1]5x"] {
            let what = if text.ends_with('x') {
                "unable to scan port number: "
            } else {
                "unable to scan ip address: "
            };
            assert_eq!(parse(text.as_bytes()), Err(what), "{text}");
        }
        for text in ["1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "[::1]5", "1.2.3.4:x"] {
            let what = "unable to scan port number: ";
            assert_eq!(parse(text.as_bytes()), Err(what), "{text}");
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
                    (true, 2) => ["::", ":::", ".", "g"][random(4)],
                    (true, _) => ["0", "ab", "FFFF", "12345"][random(4)],
                    (false, 0 | 1) => ".",
                    (false, _) => ["0", "1", "25", "255", "256", "01"][random(6)],
                })
                .collect();
            let ours = if six {
                v6(text.as_bytes()).map(IpAddr::from)
            } else {
                v4(text.as_bytes()).map(IpAddr::from)
            };
            let theirs: Option<IpAddr> = if six {
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
