//! `completions`: shell completion scripts.

use clap_complete::Shell;

use crate::cli;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Print a shell's completion script
///
/// Completes `git-docket …`; bash completes `git docket …` as well, through
/// git's own completion.
///
/// Examples:
///   git docket completions bash > ~/.local/share/bash-completion/completions/git-docket
///   git docket completions zsh > "${fpath[1]}/_git-docket"
///   git docket completions fish > ~/.config/fish/completions/git-docket.fish
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Shell to print the script for
    #[arg(value_enum)]
    shell: Shell,
}

/// What git's bash completion calls for a program on the path: it finds `_git_docket` by its name.
const BASH_AS_GIT: &str = r#"
_git_docket() {
    local cur prev words=("git-docket" "${COMP_WORDS[@]:2}") at=$((COMP_CWORD - 1))
    COMP_WORDS=("${words[@]}") COMP_CWORD=$at
    _git__docket "git-docket" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
}
"#;

/// Prints the script.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "git-docket", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Bash {
        script.push_str(BASH_AS_GIT);
    }
    context.print(&script)?;
    Ok(Exit::Pass)
}
