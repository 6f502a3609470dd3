//! Packed scans: one row holds the scans of half a second, sorted by tag, so that one tag's are found by bisection.
//!
//! The value is the format byte, then 20 bytes a scan: tag (8, big-endian), milliseconds after the key's (4), device class
//! and browser class (4 bits each), address family (1: 4 or 6), and the prefix (6: three bytes of an IPv4 /24 and three
//! zeros, or six bytes of an IPv6 /48).

use qnect_core::record::ScanRecord;
use qnect_core::scan::{AddressPrefix, BrowserClass, DeviceClass};
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};

use crate::codec::FORMAT;
use crate::error::StorageError;
use crate::layout::Space;

const SCAN_BYTES: usize = 20;
const IPV4: u8 = 4;
const IPV6: u8 = 6;

/// Packs scans, which are sorted for it; times count from the earliest, which is returned for the key.
pub(crate) fn pack_scans(scans: &mut [ScanRecord]) -> (Timestamp, Vec<u8>) {
    scans.sort_unstable_by_key(|s| (s.tag, s.at));
    let earliest = scans.iter().map(|s| s.at).min().unwrap_or_default();
    let mut value = Vec::with_capacity(1 + scans.len() * SCAN_BYTES);
    value.push(FORMAT);
    for scan in scans {
        value.extend(scan.tag.as_u64().to_be_bytes());
        let after = u32::try_from(scan.at.since(earliest).as_millis()).unwrap_or(u32::MAX);
        value.extend(after.to_be_bytes());
        value.push((scan.device as u8) << 4 | scan.browser as u8);
        match scan.address {
            AddressPrefix::V4([a, b, c]) => value.extend([IPV4, a, b, c, 0, 0, 0]),
            AddressPrefix::V6([a, b, c, d, e, f]) => value.extend([IPV6, a, b, c, d, e, f]),
        }
    }
    (earliest, value)
}

/// Reads a packed row back.
pub(crate) fn unpack_scans(earliest: Timestamp, value: &[u8]) -> Result<Vec<ScanRecord>, StorageError> {
    unpack_all(earliest, packed(value)?)
}

/// Reads one tag's scans out of a packed row, the earliest first; what stands before and behind is not looked at.
pub(crate) fn unpack_scans_of(tag: TagId, earliest: Timestamp, value: &[u8]) -> Result<Vec<ScanRecord>, StorageError> {
    let scans = packed(value)?;
    let tag = tag.as_u64().to_be_bytes();
    let begin = scans.partition_point(|scan| scan[..8] < tag[..]);
    let end = scans.partition_point(|scan| scan[..8] <= tag[..]);
    unpack_all(earliest, &scans[begin..end])
}

fn packed(value: &[u8]) -> Result<&[[u8; SCAN_BYTES]], StorageError> {
    let packed = match value.split_first() {
        Some((&FORMAT, packed)) => packed,
        Some(_) => return Err(unreadable("its format version is unknown")),
        None => return Err(unreadable("it is empty")),
    };
    match packed.as_chunks() {
        (scans, []) => Ok(scans),
        _ => Err(unreadable("it ends within a scan")),
    }
}

fn unpack_all(earliest: Timestamp, scans: &[[u8; SCAN_BYTES]]) -> Result<Vec<ScanRecord>, StorageError> {
    scans.iter().map(|scan| unpack(earliest, scan).ok_or(unreadable("a class or a family is unknown"))).collect()
}

fn unreadable(what: &'static str) -> StorageError {
    StorageError::Unreadable { keyspace: Space::Scans.name(), what }
}

fn unpack(earliest: Timestamp, scan: &[u8; SCAN_BYTES]) -> Option<ScanRecord> {
    let [t0, t1, t2, t3, t4, t5, t6, t7, a0, a1, a2, a3, classes, family, a, b, c, d, e, f] = *scan;
    let after = u32::from_be_bytes([a0, a1, a2, a3]);
    Some(ScanRecord {
        tag: TagId::from_u64(u64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7])),
        at: earliest.plus(Span::from_millis(after.into())),
        address: match family {
            IPV4 => AddressPrefix::V4([a, b, c]),
            IPV6 => AddressPrefix::V6([a, b, c, d, e, f]),
            _ => return None,
        },
        device: DeviceClass::ALL.into_iter().find(|&class| class as u8 == classes >> 4)?,
        browser: BrowserClass::ALL.into_iter().find(|&class| class as u8 == classes & 15)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scans() -> impl Strategy<Value = Vec<ScanRecord>> {
        let address =
            prop_oneof![any::<[u8; 3]>().prop_map(AddressPrefix::V4), any::<[u8; 6]>().prop_map(AddressPrefix::V6)];
        let class = (0..DeviceClass::ALL.len(), 0..BrowserClass::ALL.len());
        let scan = (any::<u64>(), 0u64..600_000, address, class).prop_map(|(tag, at, address, (device, browser))| {
            ScanRecord {
                tag: TagId::from_u64(tag),
                at: Timestamp::from_millis(1_790_000_000_000 + at),
                address,
                device: DeviceClass::ALL[device],
                browser: BrowserClass::ALL[browser],
            }
        });
        prop::collection::vec(scan, 1..50)
    }

    proptest! {
        #[test]
        fn packed_scans_unpack(mut scans in scans()) {
            let (earliest, value) = pack_scans(&mut scans);
            prop_assert_eq!(unpack_scans(earliest, &value).unwrap(), scans);
        }

        #[test]
        fn those_of_one_tag_are_found_among_the_others(mut scans in scans(), tags in 1u64..9, wanted: u64) {
            for scan in &mut scans {
                scan.tag = TagId::from_u64(scan.tag.as_u64() % tags * (u64::MAX / tags));
            }
            let wanted = TagId::from_u64(wanted % (tags + 1) * (u64::MAX / tags));
            let (earliest, value) = pack_scans(&mut scans);
            scans.retain(|scan| scan.tag == wanted);
            prop_assert_eq!(unpack_scans_of(wanted, earliest, &value).unwrap(), scans);
        }

        #[test]
        fn a_cut_or_foreign_row_is_refused(mut scans in scans(), cut in 1usize..20) {
            let (earliest, value) = pack_scans(&mut scans);
            prop_assert!(unpack_scans(earliest, &value[..value.len() - cut]).is_err());
            prop_assert!(unpack_scans(earliest, &[FORMAT + 1]).is_err());
            prop_assert!(unpack_scans(earliest, &[]).is_err());
        }
    }
}
