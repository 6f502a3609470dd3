//! Requests to providers' REST interfaces, and what their answers mean.

mod hostile;
mod plivo;
mod shapes;
mod twilio;

use qnect_core::leg::LegId;
use qnect_providers::rest::{Plivo, Rest, Twilio};

/// All that we can ask.
const ALL: [&dyn Rest; 2] = [&Plivo, &Twilio];

fn leg(id: &str) -> LegId {
    LegId::new(id).expect("a leg")
}
