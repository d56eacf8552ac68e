//! Instants to the second, in UTC, in one spelling.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An instant: whole seconds since 1970-01-01T00:00:00Z, from year 1 to year 9999.
///
/// Text form: `YYYY-MM-DDTHH:MM:SSZ` (a subset of RFC 3339) and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// Why something is no timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TimestampError {
    /// Outside the years 1 to 9999.
    #[error("outside the years 1 to 9999")]
    Range,
    /// Not the one spelling that records use.
    #[error("expected a UTC time as 2026-11-22T10:00:00Z")]
    Spelling,
    /// Not RFC 3339 at all.
    #[error("expected a time as 2026-11-22T10:00:00Z or 2026-11-22T11:00:00+01:00")]
    Rfc3339,
}

const YEAR_1: i64 = -62_135_596_800;
const YEAR_10000: i64 = 253_402_300_800;

impl Timestamp {
    /// Seconds since 1970.
    ///
    /// # Errors
    /// Outside the years 1 to 9999.
    pub fn from_unix(seconds: i64) -> Result<Self, TimestampError> {
        if (YEAR_1..YEAR_10000).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(TimestampError::Range)
        }
    }

    /// Seconds since 1970.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Reads what a person or another tool wrote: RFC 3339 with any offset; fractions are cut off.
    ///
    /// # Errors
    /// Where the text is not RFC 3339, or has no offset.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimestampError> {
        // The other reader's years end a day before ours.
        if let Ok(ours) = text.parse() {
            return Ok(ours);
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimestampError::Rfc3339)?;
        Self::from_unix(instant.as_nanosecond().div_euclid(1_000_000_000) as i64)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(86_400);
        let second = self.0.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let field = |at: usize, length: usize| -> Option<i64> {
            let digits = text.get(at..at + length)?;
            digits
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| digits.parse().ok())?
        };
        let read = || -> Option<i64> {
            let days = days_from_civil(field(0, 4)?, field(5, 2)?, field(8, 2)?);
            Some(days * 86_400 + field(11, 2)? * 3600 + field(14, 2)? * 60 + field(17, 2)?)
        };
        // Whatever the fields say, only the text that the instant prints is its spelling.
        read()
            .and_then(|seconds| Self::from_unix(seconds).ok())
            .filter(|timestamp| timestamp.to_string() == text)
            .ok_or(TimestampError::Spelling)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

// The proleptic Gregorian calendar by eras of 400 years (146,097 days), years beginning in March.
// Written out because a replay reads one time an entry.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_spelling() {
        for bad in [
            "2026-02-29T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:00:60Z",
            "2026-11-22T10:00:00z",
            "2026-11-22 10:00:00Z",
            "2026-11-22T10:00:00+00:00",
            "2026-11-22T10:00:00.0Z",
            "+026-11-22T10:00:00Z",
            "0000-01-01T00:00:00Z",
            "",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
        assert_eq!(
            "2024-02-29T23:59:59Z".parse::<Timestamp>().unwrap().unix(),
            1_709_251_199
        );
    }

    #[test]
    fn reads_what_people_write() {
        let read = |text| Timestamp::parse_rfc3339(text).unwrap().to_string();
        assert_eq!(read("2026-11-22T11:00:00.9+01:00"), "2026-11-22T10:00:00Z");
        assert!(Timestamp::parse_rfc3339("2026-11-22").is_err());
    }

    proptest! {
        #[test]
        fn prints_as_the_library_does(seconds in YEAR_1..YEAR_10000) {
            let timestamp = Timestamp::from_unix(seconds).unwrap();
            prop_assert_eq!(timestamp.to_string().parse(), Ok(timestamp));
            let jiff = jiff::Timestamp::from_second(seconds.min(253_402_207_200)).unwrap();
            if jiff.as_second() == seconds {
                prop_assert_eq!(timestamp.to_string(), jiff.to_string());
            }
        }
    }
}
