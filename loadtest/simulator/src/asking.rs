//! Asking the engine what to do, and telling it what happened.

use tokio::time::Instant;

use crate::call::Call;
use crate::http::Reply;
use crate::plivo::cause::{self, Asked};
use crate::plivo::document::{self, Element};
use crate::plivo::params::Params;
use crate::plivo::signing::Method;
use crate::report::{LegEnd, Party};
use crate::webhook::{Post, Purpose};
use crate::words::summary;

/// Most documents that one call can ask for; a flow that goes in circles ends here.
pub(crate) const DOCUMENTS_MAX: u32 = 20;

impl Call<'_> {
    /// Asks the engine for a document and reads it.
    pub(crate) async fn ask(
        &mut self,
        asked: Asked,
        url: &str,
        method: Method,
        params: Params,
    ) -> Result<Vec<Element>, LegEnd> {
        self.documents += 1;
        if self.documents > DOCUMENTS_MAX {
            return Err(self.broken(asked, format!("more than {DOCUMENTS_MAX} documents in one call")));
        }
        let began = Instant::now();
        let reply = self.send(url, method, params, Purpose::Document).await;
        self.clock.spent(began.elapsed());
        let reply = match reply {
            Ok(reply) => reply,
            Err(why) => {
                self.tell(Party::Provider, format!("no document: {why}"));
                return Err(cause::unreachable(asked));
            }
        };
        let elements = document::read(&reply.body).and_then(|elements| is_xml(&reply).map(|()| elements));
        match elements {
            Ok(elements) => {
                let late = if self.over { " (the scanner is gone)" } else { "" };
                self.tell(Party::Engine, format!("{}{late}", summary(&elements)));
                self.stay(0).await?;
                Ok(elements)
            }
            Err(problems) => Err(self.broken(asked, problems.join("; "))),
        }
    }

    fn broken(&mut self, asked: Asked, problem: String) -> LegEnd {
        self.tell(Party::Provider, format!("the engine's document is invalid: {problem}"));
        self.report.protocol_errors.push(problem);
        cause::invalid(asked)
    }

    /// Tells the engine something; its answer changes nothing.
    pub(crate) async fn call_back(&mut self, url: &str, method: Method, params: Params) {
        if let Err(why) = self.send(url, method, params, Purpose::Callback).await {
            self.tell(Party::Provider, format!("a callback failed: {why}"));
        }
    }

    async fn send(&mut self, url: &str, method: Method, params: Params, purpose: Purpose) -> Result<Reply, String> {
        let at_ms = self.clock.now_ms();
        let post = Post { url, method, params, purpose, at_ms };
        let sent = self.shared.mailer.deliver(&self.shared.draw, post, &mut self.report.exchanges).await;
        match sent {
            Ok(Some(Ok(reply))) if (200..300).contains(&reply.status) => Ok(reply),
            Ok(Some(Ok(reply))) => Err(format!("the engine answers {}", reply.status)),
            Ok(Some(Err(why))) => Err(why.to_string()),
            Ok(None) => Err("lost on its way".to_owned()),
            Err(problem) => {
                self.report.protocol_errors.push(problem.clone());
                Err(problem)
            }
        }
    }
}

fn is_xml(reply: &Reply) -> Result<(), Vec<String>> {
    let kind = reply.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(kind.as_str(), "application/xml" | "text/xml") {
        return Ok(());
    }
    Err(vec![format!("the content type is {kind:?}, not application/xml or text/xml")])
}
