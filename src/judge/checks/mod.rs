//! The checks, one a file.

mod c01_chain_intact;
mod c02_signed_by_known;
mod c03_population_complete;
mod c04_ordering;
mod c05_four_eyes;
mod c06_duties_separated;
mod c07_final_revision;
mod c08_tests_before_ship;
mod c09_scan_clean;
mod c10_provenance_match;
mod c11_sbom_present;
mod c12_exception_bounded;
mod c13_promotion_path;
mod c14_rollback_ready;
mod c15_reason_and_impact;
mod c16_retention;
mod c17_time_sane;
mod c18_policy_pinned;
mod c19_ai_declared;
mod c20_ai_human_reviewed;
mod c21_ai_tool_allowed;
mod c22_ai_share_cap;
mod c23_ai_extra_scan;
mod c24_ai_prompt_digest;
mod c25_agent_no_authority;
mod c26_cost_gate;
mod c27_reliability_gate;
mod c28_failure_followed_up;
mod gates;
pub(super) mod items;

use super::Check;

/// Every check, in the order of their ids.
pub const ALL: &[Check] = &[
    c01_chain_intact::CHECK,
    c02_signed_by_known::CHECK,
    c03_population_complete::CHECK,
    c04_ordering::CHECK,
    c05_four_eyes::CHECK,
    c06_duties_separated::CHECK,
    c07_final_revision::CHECK,
    c08_tests_before_ship::CHECK,
    c09_scan_clean::CHECK,
    c10_provenance_match::CHECK,
    c11_sbom_present::CHECK,
    c12_exception_bounded::CHECK,
    c13_promotion_path::CHECK,
    c14_rollback_ready::CHECK,
    c15_reason_and_impact::CHECK,
    c16_retention::CHECK,
    c17_time_sane::CHECK,
    c18_policy_pinned::CHECK,
    c19_ai_declared::CHECK,
    c20_ai_human_reviewed::CHECK,
    c21_ai_tool_allowed::CHECK,
    c22_ai_share_cap::CHECK,
    c23_ai_extra_scan::CHECK,
    c24_ai_prompt_digest::CHECK,
    c25_agent_no_authority::CHECK,
    c26_cost_gate::CHECK,
    c27_reliability_gate::CHECK,
    c28_failure_followed_up::CHECK,
];

/// The check of this id.
pub fn check(id: &str) -> Option<&'static Check> {
    ALL.iter().find(|check| check.id == id)
}
