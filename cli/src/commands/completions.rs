//! `runbus completions`: shell completion, with the ids of what there is.

use std::time::Duration;

use clap::{Arg, ArgAction, Command, ValueEnum};
use runbus::store::index::Family;
use serde_json::Value;

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::lists::Lists;
use crate::output;
use crate::reach::Reach;

/// Prints a script that completes commands, flags and ids in a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus completions bash > /etc/bash_completion.d/runbus\n  runbus completions zsh > \"${fpath[1]}/_runbus\"\n  runbus completions fish > ~/.config/fish/completions/runbus.fish"
)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

const BASH: &str = r#"_runbus() {
    local line words typed breaks prefix=""
    # Bash takes words apart at @, = and :, which ids may have, and puts what is answered behind the last of them.
    read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
    [[ "${COMP_LINE:0:COMP_POINT}" == *[[:space:]] ]] && words+=("")
    typed="${words[${#words[@]} - 1]}"
    breaks="${COMP_WORDBREAKS//[^@=:]/}"
    [[ -n "$breaks" ]] && prefix="${typed%"${typed##*[$breaks]}"}"
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line#"$prefix"}")
    done < <(runbus __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o nosort -F _runbus runbus
"#;

const ZSH: &str = r#"#compdef runbus
_runbus() {
    local -a found
    found=("${(@f)$(runbus __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ -n "${found[1]}" ]] && compadd -V runbus -a found
}
if [[ "${funcstack[1]}" == _runbus ]]; then _runbus "$@"; else compdef _runbus runbus; fi
"#;

const FISH: &str = r"function __runbus_complete
    set -l words (commandline -opc) (commandline -ct)
    runbus __complete -- $words[2..] 2>/dev/null
end
complete -c runbus -f -k -a '(__runbus_complete)'
";

impl Completions {
    /// Runs it.
    ///
    /// # Errors
    /// Nobody reads the output any more.
    pub(crate) fn run(self) -> Result<Code, Error> {
        let script = match self.shell {
            Shell::Bash => BASH,
            Shell::Zsh => ZSH,
            Shell::Fish => FISH,
        };
        output::lines(script.lines())?;
        Ok(Code::Ok)
    }
}

/// How long a shell waits for ids.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers a shell: the words that may stand in the last one's place.
#[derive(Debug, clap::Args)]
pub(crate) struct Complete {
    /// The words behind the program's name, the last one as far as it is typed.
    #[arg(last = true)]
    words: Vec<String>,
}

impl Complete {
    /// Runs it for the program `command`. A log that is not there, or does not answer, has no ids.
    ///
    /// # Errors
    /// Nobody reads the output any more.
    pub(crate) async fn run(
        self,
        command: Command,
        global: &Global,
        configuration: &Configuration,
    ) -> Result<Code, Error> {
        let (typed, wanted) = wanted(command, &self.words);
        let found = match wanted {
            Wanted::Words(words) => words,
            // Somebody waits at a keyboard.
            Wanted::Ids(kind) => {
                let ids = ids(global, configuration, kind, &typed);
                tokio::time::timeout(PATIENCE, ids).await.map(Result::unwrap_or_default).unwrap_or_default()
            }
        };
        output::lines(found.iter().filter(|word| word.starts_with(&typed)))?;
        Ok(Code::Ok)
    }
}

/// The candidates for a place.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Words(Vec<String>),
    Ids(Kind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Execution,
    Session,
    Approval,
    Question,
    Definition,
}

/// The last word as far as it is typed, and what may stand in its place.
fn wanted(mut command: Command, words: &[String]) -> (String, Wanted) {
    let (typed, before) = words.split_last().map_or(("", &[][..]), |(last, rest)| (last.as_str(), rest));
    command.build();
    let mut at = &command;
    let (mut value_of, mut position): (Option<&Arg>, usize) = (None, 1);
    for word in before {
        if value_of.take().is_some() {
            continue;
        }
        if word.starts_with('-') {
            value_of = flag(at, word).filter(|arg| takes_value(arg) && !word.contains('='));
        } else if let Some(sub) = at.find_subcommand(word) {
            (at, position) = (sub, 1);
        } else {
            position += 1;
        }
    }
    if let Some(arg) = value_of {
        return (typed.to_owned(), values(arg));
    }
    if typed.starts_with('-') {
        let flags = at.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_long);
        return (typed.to_owned(), Wanted::Words(flags.map(|flag| format!("--{flag}")).collect()));
    }
    let subcommands: Vec<String> =
        at.get_subcommands().filter(|sub| !sub.is_hide_set()).map(|sub| sub.get_name().to_owned()).collect();
    if !subcommands.is_empty() {
        return (typed.to_owned(), Wanted::Words(subcommands));
    }
    let here = at.get_positionals().find(|arg| arg.get_index() == Some(position));
    (typed.to_owned(), here.map_or(Wanted::Words(Vec::new()), values))
}

fn flag<'c>(command: &'c clap::Command, word: &str) -> Option<&'c Arg> {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    command.get_arguments().find(|arg| {
        arg.get_long().is_some_and(|long| name == format!("--{long}"))
            || arg.get_short().is_some_and(|short| name == format!("-{short}"))
    })
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn values(arg: &Arg) -> Wanted {
    match arg.get_id().as_str() {
        "execution" | "root" | "parent" => Wanted::Ids(Kind::Execution),
        "session" => Wanted::Ids(Kind::Session),
        "approval" => Wanted::Ids(Kind::Approval),
        "request" => Wanted::Ids(Kind::Question),
        "definition" => Wanted::Ids(Kind::Definition),
        _ => {
            Wanted::Words(arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect())
        }
    }
}

async fn ids(
    global: &Global,
    configuration: &Configuration,
    kind: Kind,
    typed: &str,
) -> Result<Vec<String>, Error> {
    let (family, name) = match kind {
        Kind::Execution => (Family::Executions, "execution_id"),
        Kind::Session => (Family::Sessions, "session_id"),
        Kind::Approval => (Family::Approvals, "approval_id"),
        Kind::Question => (Family::Questions, "request_id"),
        Kind::Definition => {
            let all = Reach::look(global, configuration).await?.definitions().await?;
            return Ok(all.into_iter().map(|definition| definition.name).collect());
        }
    };
    let mut asked = vec![("limit".to_owned(), runbus::limits::LIST_ENTRIES.to_string())];
    if !typed.is_empty() {
        asked.push(("text".to_owned(), typed.to_owned()));
    }
    let page = Lists::open(global, configuration).await?.page(family, &asked).await?;
    let id = |entry: &Value| entry[name].as_str().map(str::to_owned);
    Ok(page.entries.iter().filter_map(id).collect())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    fn asked(words: &str) -> Wanted {
        wanted(Args::command(), &words.split(' ').map(str::to_owned).collect::<Vec<_>>()).1
    }

    #[test]
    fn each_place_has_its_words() {
        let Wanted::Words(commands) = asked("") else { panic!("commands are words") };
        assert!(commands.contains(&"ls".to_owned()) && !commands.contains(&"__complete".to_owned()));
        for words in ["cancel ", "tail --execution ", "--json pause ", "approvals list ", "ls --root "] {
            assert_eq!(asked(words), Wanted::Ids(Kind::Execution), "{words}");
        }
        assert_eq!(asked("approvals approve "), Wanted::Ids(Kind::Approval));
        assert_eq!(asked("session show "), Wanted::Ids(Kind::Session));
        assert_eq!(asked("start "), Wanted::Ids(Kind::Definition));
        assert_eq!(asked("completions "), Wanted::Words(vec!["bash".into(), "zsh".into(), "fish".into()]));
        let Wanted::Words(flags) = asked("ls --s") else { panic!("flags are words") };
        assert!(flags.contains(&"--status".to_owned()) && flags.contains(&"--json".to_owned()));
    }
}
