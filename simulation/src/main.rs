//! `simulation [--seed N] [--from N] [--steps N]`: see `cargo xtask simulate --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use simulation::campaign::{Failure, Summary, life, run};
use simulation::{report, seeds};

/// What is asked for.
struct Request {
    seed: Option<u64>,
    from: Option<u64>,
    steps: u64,
}

fn main() -> ExitCode {
    let request = match read(std::env::args().skip(1)) {
        Ok(request) => request,
        Err(complaint) => {
            eprintln!("simulation: {complaint}");
            return ExitCode::from(2);
        }
    };
    // A panic of a machine is told of with the life in which it came.
    std::panic::set_hook(Box::new(|_| {}));
    let start = Instant::now();
    let mut summary = Summary::default();
    match simulate(&request, &mut summary) {
        Ok(()) => {
            println!("{}", report::summary(&summary));
            println!("{:.1} s", start.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", report::failure(&failure));
            ExitCode::FAILURE
        }
    }
}

fn simulate(request: &Request, summary: &mut Summary) -> Result<(), Box<Failure>> {
    if let Some(seed) = request.seed {
        return life(seed, None, summary);
    }
    for seed in seeds::regressions() {
        life(seed, None, summary)?;
    }
    let first = request.from.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        simulation::rng::Rng::new(now.as_secs() ^ u64::from(now.subsec_nanos())).draw()
    });
    println!("from seed {first}");
    run(first, request.steps, summary)
}

fn read(mut args: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut request = Request { seed: None, from: None, steps: 1_000_000 };
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg}: needs a number"))?;
        let number = value.parse().map_err(|_| format!("{arg} {value}: not a number"))?;
        match arg.as_str() {
            "--seed" => request.seed = Some(number),
            "--from" => request.from = Some(number),
            "--steps" => request.steps = number,
            _ => return Err(format!("{arg}: unknown option")),
        }
    }
    Ok(request)
}
