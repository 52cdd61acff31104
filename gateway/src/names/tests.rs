use std::cell::RefCell;
use std::rc::Rc;

use super::*;

/// Answers in turn; the last one for ever. Remembers when it was asked, in seconds.
#[derive(Clone)]
struct Script {
    begin: Instant,
    answers: Rc<RefCell<Vec<Result<Answer, String>>>>,
    asked: Rc<RefCell<Vec<u64>>>,
}

impl Script {
    fn new(answers: Vec<Result<Answer, String>>) -> Self {
        Self { begin: Instant::now(), answers: Rc::new(RefCell::new(answers)), asked: Rc::default() }
    }
}

impl Lookup for Script {
    async fn lookup(&self, _: &str) -> Result<Answer, String> {
        self.asked.borrow_mut().push(self.begin.elapsed().as_secs());
        let mut answers = self.answers.borrow_mut();
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    }
}

fn answer(last: u8, ttl: u64) -> Result<Answer, String> {
    Ok(Answer { addresses: vec![[10, 0, 0, last].into()], ttl: Duration::from_secs(ttl) })
}

/// What was said within `seconds`, and when: the last byte of the address, or 0 for none.
async fn play(script: &Script, seconds: u64) -> Vec<(u64, u8)> {
    let (wanted, wants) = watch::channel(Wanted::from(["a.test".into()]));
    let (send, mut found) = mpsc::channel::<Found>(WAITING);
    let mut said = Vec::new();
    let listen = async {
        while let Some(found) = found.recv().await {
            let last = match found.addresses.first() {
                Some(IpAddr::V4(v4)) => v4.octets()[3],
                _ => 0,
            };
            said.push((script.begin.elapsed().as_secs(), last));
        }
    };
    let _ = timeout(Duration::from_secs(seconds), async { tokio::join!(follow(script.clone(), wants, send), listen) })
        .await;
    drop(wanted);
    said
}

#[tokio::test(start_paused = true)]
async fn a_name_is_looked_up_again_when_its_answer_has_lived() {
    let script = Script::new(vec![answer(1, 20), answer(2, 0), answer(3, 86_400), answer(4, 60)]);
    assert_eq!(play(&script, 400).await, [(0, 1), (20, 2), (21, 3), (321, 4), (381, 4)]);
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_is_kept_while_nobody_can_say_and_not_for_ever() {
    let script = Script::new(vec![answer(1, 10), Err("silence".to_owned())]);
    let said = play(&script, 700).await;
    assert_eq!(said[0], (0, 1));
    assert!(said.len() == 2 && said[1].1 == 0 && (600..640).contains(&said[1].0), "{said:?}");
    assert_eq!(script.asked.borrow()[..6], [0, 10, 11, 13, 17, 25]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_no_more_has_no_address_at_once() {
    let nothing = Ok(Answer { addresses: Vec::new(), ttl: Duration::from_secs(5) });
    let script = Script::new(vec![answer(1, 10), nothing, answer(2, 100)]);
    assert_eq!(play(&script, 30).await, [(0, 1), (10, 0), (15, 2)]);
}

#[tokio::test(start_paused = true)]
async fn names_that_come_are_asked_for_and_names_that_go_are_not() {
    let script = Script::new(vec![answer(1, 10)]);
    let (wanted, wants) = watch::channel(Wanted::new());
    let (send, mut found) = mpsc::channel::<Found>(WAITING);
    let asking = script.clone();
    let test = async {
        let pause = || tokio::time::sleep(Duration::from_secs(100));
        pause().await;
        assert!(script.asked.borrow().is_empty());
        wanted.send_replace(["a.test".into()].into());
        assert_eq!(found.recv().await.unwrap().name, "a.test".into());
        // Whoever forgot the answer in between is told again, before the answer has lived.
        wanted.send_replace(["a.test".into()].into());
        let begin = Instant::now();
        assert_eq!(found.recv().await.unwrap().name, "a.test".into());
        assert_eq!(begin.elapsed(), Duration::ZERO);
        wanted.send_replace(Wanted::new());
        pause().await;
        let asked = script.asked.borrow().len();
        pause().await;
        assert_eq!(script.asked.borrow().len(), asked);
        drop(wanted);
    };
    tokio::join!(follow(asking, wants, send), test);
}
