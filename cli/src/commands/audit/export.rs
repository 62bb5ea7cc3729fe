//! `audit export`: a pack of the log's events, recorded by the log itself.

use countersign_audit::TrustPolicy;
use countersign_audit::export::{ExportError, Made, Wanted, export};
use countersign_audit::select::Filter;
use countersign_audit::source::Directory;
use countersign_tlog::{Checkpoint, Note};
use serde::{Deserialize, Serialize};

use super::json;
use crate::args::ReviewersApi;
use crate::args::audit::Export;
use crate::bucket::Bucket;
use crate::client::Call;
use crate::commands::{Report, body, reviewer};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::Paint;
use crate::trust;

/// What the service is told to record.
#[derive(Serialize)]
struct Record<'a> {
    start: u64,
    end: u64,
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<&'a str>,
    manifest: &'a str,
}

/// What it answers.
#[derive(Deserialize)]
struct Recorded {
    receipt: String,
}

#[derive(Serialize)]
struct Said<'a> {
    pack: String,
    manifest: &'a str,
    recorded: bool,
    query: &'a countersign_audit::pack::Query,
}

pub(super) async fn run(args: Export, _paint: Paint, progress: Progress) -> Result<Report, Failure> {
    if args.from.0 >= args.to.0 {
        return Err(Failure::Usage("--from must be before --to".into()));
    }
    let api = args.review_url.clone().filter(|_| !args.unrecorded);
    // Before anything is read: a token that is missing is told at once.
    let client = api
        .map(|review_url| reviewer(ReviewersApi { review_url, token_stdin: args.token_stdin }, progress))
        .transpose()?;
    let pins = args.pins.iter().map(|path| pinned(path)).collect::<Result<_, _>>()?;
    let filter = Filter {
        from: args.from.0,
        to: args.to.0,
        control: args.control.clone(),
        requests: args.requests.iter().filter_map(|id| id.as_str().parse().ok()).collect(),
    };
    let tool = concat!("countersign ", env!("CARGO_PKG_VERSION")).to_owned();
    let wanted = Wanted { filter, pins, recorded: client.is_some(), tool };
    let policy = trust::policy(args.trusting.policy.as_deref(), args.origin.as_deref())?;
    let made = made(&args, &policy, &wanted, progress).await?;

    let manifest = made.manifest.clone();
    let query = made.query.clone();
    let proof = match &client {
        None => None,
        Some(client) => {
            let record = Record {
                start: query.start,
                end: query.end,
                from: query.filter.from.to_string(),
                to: query.filter.to.to_string(),
                control: query.filter.control.as_deref(),
                manifest: &manifest,
            };
            let url = client.url(&["v1", "review", "log", "exports"], &[]);
            let answer = client.send(&Call::post(url, body(&record)?)).await?;
            Some(answer.read::<Recorded>()?.receipt)
        }
    };
    made.publish(proof.as_ref().map(String::as_bytes), &policy).map_err(failure)?;

    let pack = args.out.display().to_string();
    let said = Said { pack: pack.clone(), manifest: &manifest, recorded: proof.is_some(), query: &query };
    let mut text = format!(
        "{pack}: {} events of {} requests, from entries {} to {} of {}\n",
        query.counts.events, query.counts.requests, query.start, query.end, query.origin
    );
    if proof.is_none() {
        text.push_str("not recorded in the log: nobody signed its list of files\n");
    }
    Ok(Report { json: json(&said)?, text, exit: Exit::Ok })
}

async fn made(
    args: &Export,
    policy: &TrustPolicy,
    wanted: &Wanted,
    progress: Progress,
) -> Result<Made, Failure> {
    let tell = |line: &str| progress.tell(line);
    let made = match (&args.log, &args.bucket, &args.origin) {
        (Some(dir), ..) => export(&Directory::new(dir), policy, wanted, &args.out, tell).await,
        (None, Some(bucket), Some(origin)) => {
            progress.tell(&format!("listing every version of {origin} in {bucket}"));
            export(&Bucket::open(bucket, origin).await?, policy, wanted, &args.out, tell).await
        }
        _ => return Err(Failure::Usage("give --log, or --bucket and --origin".into())),
    };
    let made = made.map_err(failure)?;
    match &args.origin {
        Some(origin) if *origin != made.query.origin.as_str() => {
            Err(Failure::Broken(format!("the checkpoint under {origin} is of {}", made.query.origin)))
        }
        _ => Ok(made),
    }
}

/// The size of a checkpoint that was noted earlier. Who signed it is looked at by `verify`.
fn pinned(path: &std::path::Path) -> Result<u64, Failure> {
    let wrong = |why: String| Failure::Usage(format!("--pin {}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    let note = Note::parse(&bytes).map_err(|e| wrong(e.to_string()))?;
    let checkpoint: Checkpoint = note.text().parse().map_err(|e| wrong(format!("{e}")))?;
    Ok(checkpoint.size())
}

fn failure(error: ExportError) -> Failure {
    match error {
        ExportError::Write(_) => Failure::Local(error.to_string()),
        ExportError::Source(_) | ExportError::Empty => Failure::Unchecked(error.to_string()),
        _ => Failure::Broken(error.to_string()),
    }
}
