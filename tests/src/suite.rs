//! Async functions as tests: a suite is a list of functions that share one value, run by libtest-mimic with Cargo's usual arguments.

use std::time::Duration;

use anyhow::Context;
use libtest_mimic::Trial;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// No test may take longer: past it a hang is reported as one instead of stopping the whole run. Some wait for others to end first, because
/// they need a control plane on which nothing else happens.
const DEADLINE: Duration = Duration::from_secs(600);

type Run<S> = Box<dyn FnOnce(&Handle, &'static S) -> anyhow::Result<()> + Send>;

/// One test of a suite whose tests share an `S`.
pub struct Test<S: 'static> {
    name: String,
    run: Run<S>,
}

/// The test that `body` is, named after the function: `async fn a_claim(shared: &S) -> anyhow::Result<()>`. One that hands the shared
/// value to tasks of its own asks for `&'static S`.
pub fn test<S, F>(body: F) -> Test<S>
where
    F: AsyncFn(&'static S) -> anyhow::Result<()> + Send + 'static,
{
    let path = std::any::type_name::<F>();
    let name = path.split_once("::").map_or(path, |(_krate, rest)| rest).to_owned();
    let run = move |runtime: &Handle, shared: &'static S| {
        runtime.block_on(async {
            timeout(DEADLINE, body(shared)).await.with_context(|| format!("not done after {} s", DEADLINE.as_secs()))?
        })
    };
    Test { name, run: Box::new(run) }
}

impl<S: Sync + 'static> Test<S> {
    /// What libtest-mimic runs.
    pub fn trial(self, runtime: Handle, shared: &'static S) -> Trial {
        let run = self.run;
        Trial::test(self.name, move || run(&runtime, shared).map_err(|error| format!("{error:#}").into()))
    }

    /// The name alone, for `--list`: running it fails.
    pub fn listed(self) -> Trial {
        Trial::test(self.name, || Err("a listed test has nothing to run on".into()))
    }
}
