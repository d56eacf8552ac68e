//! Which services sign: those of a signing configuration (v0.2, of Sigstore's protobuf-specs), or by their addresses.

use jiff::Timestamp as Time;
use sigstore_trust_root::{
    SIGNING_CONFIG_MEDIA_TYPE, SIGSTORE_PRODUCTION_SIGNING_CONFIG, ServiceConfiguration,
    ServiceEndpoint, ServiceSelector, SigningConfig,
};

use super::error::{Error, Service};
use crate::statement::shortened;
use crate::timestamp::Timestamp;

/// Which protocol a log speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogVersion {
    /// Rekor v1.
    V1,
    /// Rekor v2, which gives no time of its own.
    V2,
}

/// The services that one signature takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Services {
    /// Fulcio's address.
    pub authority: String,
    /// Logs, each of which takes every signature.
    pub logs: Vec<(String, LogVersion)>,
    /// Timestamp authorities' whole addresses, each of which stamps every signature.
    pub timestamps: Vec<String>,
}

impl Services {
    /// Those of the public-good instance.
    ///
    /// # Errors
    /// Where none of a kind is in service any more.
    pub fn public_good(now: Timestamp) -> Result<Self, Error> {
        Self::of_configuration(SIGSTORE_PRODUCTION_SIGNING_CONFIG.as_bytes(), now)
    }

    /// Those that a signing configuration names for now: of each kind, as many as its selector says, the newest
    /// protocol first.
    ///
    /// # Errors
    /// What is no signing configuration, or names too few that are in service and that we can speak to.
    pub fn of_configuration(json: &[u8], now: Timestamp) -> Result<Self, Error> {
        let config: SigningConfig = serde_json::from_slice(json).map_err(Error::Configuration)?;
        if config.media_type != SIGNING_CONFIG_MEDIA_TYPE {
            return Err(Error::ConfigurationType {
                found: shortened(&config.media_type),
            });
        }
        let one = ServiceConfiguration::default();
        let authorities = chosen(Service::Authority, &config.ca_urls, &one, &[1], now)?;
        let logs = chosen(
            Service::Log,
            &config.rekor_tlog_urls,
            &config.rekor_tlog_config,
            &[2, 1],
            now,
        )?;
        let timestamps = match config.tsa_urls.is_empty() {
            true => Vec::new(),
            false => chosen(
                Service::Timestamps,
                &config.tsa_urls,
                &config.tsa_config,
                &[1],
                now,
            )?,
        };
        let [authority, ..] = &authorities[..] else {
            return Err(too_few(Service::Authority, 1, 0));
        };
        let log = |endpoint: &&ServiceEndpoint| {
            let version = match endpoint.major_api_version {
                2 => LogVersion::V2,
                _ => LogVersion::V1,
            };
            (endpoint.url.clone(), version)
        };
        Ok(Self {
            authority: authority.url.clone(),
            logs: logs.iter().map(log).collect(),
            timestamps: timestamps.iter().map(|one| one.url.clone()).collect(),
        })
    }
}

fn chosen<'a>(
    service: Service,
    endpoints: &'a [ServiceEndpoint],
    wanted: &ServiceConfiguration,
    versions: &[u32],
    now: Timestamp,
) -> Result<Vec<&'a ServiceEndpoint>, Error> {
    let now = Time::from_second(now.unix()).unwrap_or(Time::MAX);
    let rank = |one: &ServiceEndpoint| {
        let version = one.major_api_version;
        versions.iter().position(|known| *known == version)
    };
    let mut usable: Vec<_> = endpoints
        .iter()
        .filter(|one| rank(one).is_some() && one.valid_for.contains(now))
        .collect();
    usable.sort_by_key(|one| rank(one));
    let count = match wanted.selector {
        ServiceSelector::All => usable.len().max(1),
        ServiceSelector::Exact => wanted.count.map_or(1, |count| count as usize),
        ServiceSelector::Any => 1,
        // One left undefined, or a word of a later version, says nothing to go by.
        _ => return Err(too_few(service, 1, 0)),
    };
    if usable.len() < count {
        return Err(too_few(service, count, usable.len()));
    }
    usable.truncate(count);
    Ok(usable)
}

fn too_few(service: Service, wanted: usize, found: usize) -> Error {
    Error::TooFew {
        service,
        wanted,
        found,
    }
}
