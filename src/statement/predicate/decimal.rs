//! Decimal numbers, exact: cost and ratios as text, so that no reader rounds what another signed.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::statement::shortened;

/// A decimal number of at most 40 characters: `-?(0|[1-9][0-9]*)(\.[0-9]+)?`. Compared by value; kept as
/// written, so `1.50` stays `1.50`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal(String);

/// Why a text is no decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no decimal number such as -12.50 of at most {MAX_LENGTH} characters")]
pub struct DecimalError {
    /// The text, shortened.
    pub found: String,
}

const MAX_LENGTH: usize = 40;

impl Decimal {
    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest double, for charts and rates; never for a comparison that decides something.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().expect("the grammar is one of f64's")
    }

    // Sign, digits before the point, digits after it without trailing zeroes.
    fn parts(&self) -> (bool, &str, &str) {
        let (negative, digits) = match self.0.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, self.0.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction = fraction.trim_end_matches('0');
        (
            negative && !(whole == "0" && fraction.is_empty()),
            whole,
            fraction,
        )
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let good = text.len() <= MAX_LENGTH
            && all_digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(all_digits);
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(DecimalError {
                found: shortened(text),
            }),
        }
    }
}

impl TryFrom<String> for Decimal {
    type Error = DecimalError;

    fn try_from(text: String) -> Result<Self, DecimalError> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.0
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self(number.to_string())
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((negative, whole, fraction), (other_negative, other_whole, other_fraction)) =
            (self.parts(), other.parts());
        // Without leading zeroes the longer whole is the larger; fractions compare as texts.
        let magnitude =
            (whole.len(), whole, fraction).cmp(&(other_whole.len(), other_whole, other_fraction));
        match (negative, other_negative) {
            (false, false) => magnitude,
            (true, true) => magnitude.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a test's own number")
    }

    #[test]
    fn only_plain_decimals() {
        for good in ["0", "-0", "12", "0.5", "-12.50", "10"] {
            assert_eq!(decimal(good).as_str(), good);
        }
        let long = "1".repeat(41);
        for bad in [
            "",
            "-",
            "+1",
            "01",
            ".5",
            "1.",
            "1e3",
            "NaN",
            " 1",
            "1,5",
            "٣",
            long.as_str(),
        ] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn compared_by_value() {
        let rising = [
            "-10.5",
            "-2",
            "-0.01",
            "0",
            "0.009",
            "0.01",
            "0.5",
            "2",
            "10",
            "10.000000000000000000001",
        ];
        for pair in rising.windows(2) {
            assert!(decimal(pair[0]) < decimal(pair[1]), "{pair:?}");
        }
        assert_eq!(decimal("1.50"), decimal("1.5"));
        assert_eq!(decimal("-0"), decimal("0.0"));
    }
}
