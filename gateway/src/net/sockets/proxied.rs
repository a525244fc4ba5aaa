//! The PROXY protocol (versions 1 and 2): a header before everything else, in which a proxy names the address of its client.

use std::io;
use std::net::IpAddr;

use ppp::{HeaderResult, PartialResult as _, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::limits;

/// The beginning of a header of version 2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Longest header of version 1, in bytes.
const LINE_BYTES: usize = 107;

/// Bytes of version 2 before its addresses; the last two are the length of the rest.
const HEAD_BYTES: usize = 16;

/// Longest rest of a header of version 2, in bytes: addresses, and data of the proxy about the connection.
const REST_BYTES: usize = 4096;

/// Reads the header, and nothing behind it. `None`: the connection is the proxy's own, for instance to check health.
///
/// # Errors
/// There is no valid header, or it does not come in time.
pub(crate) async fn client(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    match tokio::time::timeout(limits::HEAD_PATIENCE, header(stream)).await {
        Ok(header) => parse(&header?),
        Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// The bytes of a header.
async fn header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    // The shortest line of version 1 is longer than the signature of version 2.
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        header.resize(HEAD_BYTES, 0);
        stream.read_exact(&mut header[SIGNATURE.len()..]).await?;
        let length = usize::from(u16::from_be_bytes([header[HEAD_BYTES - 2], header[HEAD_BYTES - 1]]));
        if length > REST_BYTES {
            return Err(invalid(format!("the rest has {length} bytes, at most {REST_BYTES} are read")));
        }
        header.resize(HEAD_BYTES + length, 0);
        stream.read_exact(&mut header[HEAD_BYTES..]).await?;
        return Ok(header);
    }
    while !header.ends_with(b"\r\n") {
        if header.len() >= LINE_BYTES {
            return Err(invalid(format!("the first line has more than {LINE_BYTES} bytes")));
        }
        header.push(stream.read_u8().await?);
    }
    Ok(header)
}

fn parse(header: &[u8]) -> io::Result<Option<IpAddr>> {
    let result = HeaderResult::parse(header);
    if result.is_incomplete() {
        return Err(invalid("the header is cut off".into()));
    }
    let ip: Option<IpAddr> = match result {
        HeaderResult::V1(line) => match line.map_err(|error| invalid(error.to_string()))?.addresses {
            v1::Addresses::Tcp4(tcp) => Some(tcp.source_address.into()),
            v1::Addresses::Tcp6(tcp) => Some(tcp.source_address.into()),
            v1::Addresses::Unknown => None,
        },
        HeaderResult::V2(header) => {
            let header = header.map_err(|error| invalid(error.to_string()))?;
            match header.addresses {
                _ if header.command == v2::Command::Local => None,
                v2::Addresses::IPv4(tcp) => Some(tcp.source_address.into()),
                v2::Addresses::IPv6(tcp) => Some(tcp.source_address.into()),
                v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
            }
        }
    };
    Ok(ip.map(|ip| ip.to_canonical()))
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> (Result<Option<IpAddr>, String>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut rest = bytes;
        let client = runtime.block_on(client(&mut rest)).map_err(|error| error.to_string());
        (client, rest.len())
    }

    fn version_2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[0x20 | command, family], &length, addresses].concat()
    }

    #[test]
    fn a_header_names_the_client_and_nothing_behind_it_is_read() {
        let request: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let four = [192, 0, 2, 7, 10, 0, 0, 1, 0, 80, 0, 90];
        let six: Vec<u8> = ["2001:db8::7", "2001:db8::1"]
            .iter()
            .flat_map(|ip| ip.parse::<std::net::Ipv6Addr>().unwrap().octets())
            .chain([0, 80, 0, 90])
            .collect();
        for (header, expected) in [
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n".to_vec(), ip("192.0.2.7")),
            (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n".to_vec(), ip("2001:db8::7")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (version_2(1, 0x11, &four), ip("192.0.2.7")),
            (version_2(1, 0x21, &six), ip("2001:db8::7")),
            (version_2(1, 0x11, &[&four[..], &[4, 0, 1, 0]].concat()), ip("192.0.2.7")),
            (version_2(0, 0, &[]), None),
        ] {
            let (client, left) = read(&[&header, request].concat());
            assert_eq!((client, left), (Ok(expected), request.len()), "{header:?}");
        }
    }

    #[test]
    fn a_connection_without_a_header_is_refused() {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"PROXY TCP4 no-address 10.0.0.1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7",
            b"",
            &[b'a'; 200],
            &version_2(1, 0x11, &[1, 2, 3]),
            &version_2(1, 0x11, &[0; 4097]),
            &version_2(1, 0x11, &[0; 12])[..20],
        ] {
            read(bytes).0.unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), signed in any::<bool>()) {
            let bytes = if signed { [SIGNATURE, &bytes].concat() } else { bytes };
            let _ = read(&bytes);
        }
    }
}
