//! A stored scan.

use minicbor::{Decode, Encode};
use qnect_core::scan::{AddressPrefix, BrowserClass, DeviceClass};

/// A scan as stored; tag and time stand in the key.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ScanRow {
    /// 3 bytes of an IPv4 /24 or 6 of an IPv6 /48.
    #[cbor(n(0), with = "minicbor::bytes")]
    address: Vec<u8>,
    #[n(1)]
    device: u8,
    #[n(2)]
    browser: u8,
}

impl ScanRow {
    pub(crate) fn new(address: AddressPrefix, device: DeviceClass, browser: BrowserClass) -> Self {
        let address = match address {
            AddressPrefix::V4(bytes) => bytes.to_vec(),
            AddressPrefix::V6(bytes) => bytes.to_vec(),
        };
        Self { address, device: device as u8, browser: browser as u8 }
    }
}
