//! The client of the API server, on which nothing can hang for ever. Calls have a bound of their own; lists and watches, which kube asks for
//! by itself and awaits without end, have theirs here.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use hyper::{Request, Response};
use kube::client::{Body, ClientBuilder, DynBody};
use kube::{Client, Config};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tower::{BoxError, Layer, Service};

use crate::fence::Fence;

/// Longest wait for an answer to begin, retries of the client included. A page of a list takes a loaded API server seconds, and a watch is
/// answered before anything happens.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest silence within an answer. A watch ends by itself after 290 s (the longest that kube asks for), so a longer silence is a dead peer.
const SILENCE: Duration = Duration::from_secs(300);

/// A client of the API server of `config`, whose writes pass while `fence` is open.
///
/// # Errors
/// When the configuration does not give a client.
pub fn client(config: Config, fence: &Fence) -> kube::Result<Client> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&Bounds).with_layer(fence).build())
}

/// A client of the API server of `config`, for a replica that does not lead as well.
///
/// # Errors
/// When the configuration does not give a client.
pub fn unfenced(config: Config) -> kube::Result<Client> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&Bounds).build())
}

/// No answer, or no more of it, in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silent {
    /// It did not begin.
    #[error("the API server has not answered within {} s", ANSWER.as_secs())]
    NoAnswer,
    /// It did not go on.
    #[error("the API server has sent no more of its answer for {} s", SILENCE.as_secs())]
    NoMore,
}

/// Puts the bounds around a service.
#[derive(Clone, Copy, Debug)]
pub struct Bounds;

impl<S> Layer<S> for Bounds {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Bounded<S> {
        Bounded { inner }
    }
}

/// A client behind the bounds.
#[derive(Clone, Debug)]
pub struct Bounded<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<Box<DynBody>>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Answer>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = timeout(ANSWER, self.inner.call(request));
        Box::pin(async {
            let answer = answer.await.map_err(|_| Silent::NoAnswer)??;
            Ok(answer.map(|body| Answer { body, patience: Box::pin(sleep(SILENCE)) }))
        })
    }
}

/// The content of an answer.
pub struct Answer {
    body: Box<DynBody>,
    patience: Pin<Box<Sleep>>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(task) {
            Poll::Ready(frame) => {
                self.patience.as_mut().reset(Instant::now() + SILENCE);
                Poll::Ready(frame)
            }
            Poll::Pending => {
                ready!(self.patience.as_mut().poll(task));
                Poll::Ready(Some(Err(Silent::NoMore.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    /// Answers after a while, with two pieces that are as far apart.
    #[derive(Clone, Copy)]
    struct Server(Duration);

    impl Service<Request<Body>> for Server {
        type Response = Response<Box<DynBody>>;
        type Error = BoxError;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            let pause = self.0;
            Box::pin(async move {
                sleep(pause).await;
                let pieces = futures::stream::unfold(0, move |nth| async move {
                    sleep(if nth == 0 { pause } else { SILENCE * 2 }).await;
                    Some((Ok::<_, BoxError>(Frame::data(Bytes::from_static(b"x"))), nth + 1))
                });
                Ok(Response::new(Box::new(StreamBody::new(Box::pin(pieces))) as Box<DynBody>))
            })
        }
    }

    async fn ask(pause: Duration) -> Result<Response<Answer>, BoxError> {
        Bounds.layer(Server(pause)).call(Request::new(Body::empty())).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_begin_is_not_waited_for() {
        assert!(ask(ANSWER / 2).await.is_ok());
        let error = ask(ANSWER * 2).await.err().expect("a failure");
        assert_eq!(error.downcast_ref(), Some(&Silent::NoAnswer));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_go_on_is_not_waited_for() {
        let mut content = ask(ANSWER / 2).await.expect("an answer").into_body();
        assert!(content.frame().await.expect("a piece").is_ok());
        let error = content.frame().await.expect("a failure").expect_err("a failure");
        assert_eq!(error.downcast_ref(), Some(&Silent::NoMore));
    }
}
