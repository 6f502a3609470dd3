//! Asking the engine what to do.

use tokio::time::Instant;

use crate::call::Call;
use crate::ending::{Asked, Ending};
use crate::http::Reply;
use crate::instruction::Element;
use crate::method::Method;
use crate::provider::Params;
use crate::report::Party;
use crate::webhook::{Post, Sent};
use crate::words::summary;

/// Most documents that one call can ask for; a flow that goes in circles ends here.
const DOCUMENTS_MAX: u32 = 20;

impl Call<'_> {
    /// Asks the engine for a document on the scanner's leg and reads it.
    pub(crate) async fn ask(
        &mut self,
        asked: Asked,
        url: &str,
        method: Method,
        params: Params,
    ) -> Result<Vec<Element>, Ending> {
        let elements = self.fetch(asked, url, method, params).await?;
        self.stay(0).await?;
        Ok(elements)
    }

    /// Asks the engine for a document and reads it. The error is the end of the leg that needs it.
    pub(crate) async fn fetch(
        &mut self,
        asked: Asked,
        url: &str,
        method: Method,
        params: Params,
    ) -> Result<Vec<Element>, Ending> {
        self.documents += 1;
        if self.documents > DOCUMENTS_MAX {
            return Err(self.broken(asked, format!("more than {DOCUMENTS_MAX} documents in one call")));
        }
        let began = Instant::now();
        let post = Post { url: url.to_owned(), method, params, at_ms: self.clock.now_ms() };
        let reply = self.send(&post).await;
        self.clock.spent(began.elapsed());
        let reply = match reply {
            Ok(reply) => reply,
            Err(why) => {
                self.tell(Party::Provider, format!("no document: {why}"));
                return Err(Ending::Unreachable(asked));
            }
        };
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let elements = self.shared.provider.read(&reply.body, url);
        match elements.and_then(|elements| is_xml(&reply).map(|()| elements)) {
            Ok(elements) => {
                let late = if self.over { " (the scanner is gone)" } else { "" };
                self.tell(Party::Engine, format!("{}{late}", summary(&elements)));
                Ok(elements)
            }
            Err(problems) => Err(self.broken(asked, problems.join("; "))),
        }
    }

    pub(crate) fn broken(&mut self, asked: Asked, problem: String) -> Ending {
        self.tell(Party::Provider, format!("the engine's document is invalid: {problem}"));
        self.report.protocol_errors.push(problem);
        Ending::Invalid(asked)
    }

    /// Sends a webhook; any answer but 2xx is an error text.
    pub(crate) async fn send(&mut self, post: &Post) -> Result<Reply, String> {
        let sent = self.shared.mailer.deliver(&self.shared.draw, post, &mut self.report.exchanges).await;
        self.answered(sent)
    }

    /// The answer to what was sent, if it is 2xx.
    pub(crate) fn answered(&mut self, sent: Sent) -> Result<Reply, String> {
        match sent {
            Ok(Ok(reply)) if (200..300).contains(&reply.status) => Ok(reply),
            Ok(Ok(reply)) => Err(format!("the engine answers {}", reply.status)),
            Ok(Err(why)) => Err(why.to_string()),
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
