# Everything that a scanner reads, in English as spoken in India: plain, short, polite.
# hi.ftl has the same messages with the same variables; a test compares the two.

## On every page

nav_language = Language
emergency_question = Emergency?
emergency_call = Call 112
private = Neither of you sees the other’s number. Calls are not recorded.
promise = QNect never asks for payment, login or your number.

## A sticker's page

tag_title = Call this vehicle’s owner
tag_lead = Tap a reason. One more tap starts the call.
urgent = Urgent
urgent_still = For these you can still call.

reason_blocking = It blocks my way
reason_lights_on = Lights are on
reason_window_open = Window is open
reason_damage = It is damaged
reason_other = Something else
reason_towing = It is about to be towed
reason_child_or_pet = A child or pet is inside
reason_emergency = Emergency at the vehicle

## Why the owner cannot be called

refused_tag_limit = Called several times already
    .text = This owner was called several times just now.
refused_address_limit = Too many tries
    .text = Too many requests came from your network. Other people may be using it too.
refused_score = Not possible now
    .text = Calls from here are paused. Please try again later.
refused_owner_unavailable = The owner takes no calls now
    .text = Please come back later.
refused_not_active = This sticker is not active yet
    .text = No owner is registered with it, so there is nobody to call. If it is yours, please activate it first.

try_again_soon = Please try again in a few seconds.
try_again_half_minute = Please try again in half a minute.
try_again_minutes = { $count ->
    [one] Please try again in about a minute.
   *[other] Please try again in about { $count } minutes.
}
try_again_hours = { $count ->
    [one] Please try again in about an hour.
   *[other] Please try again in about { $count } hours.
}

## A session's page

waiting = Call the owner
    .text = Your phone dials the number and the code.
dialing = Connecting
    .text = We are calling the owner. Please stay on the line.
ringing = Ringing
    .text = The owner’s phone is ringing. Please stay on the line.
connected = Connected
    .text = You are talking to the owner.
owner_coming = The owner is coming
    .text = It should take about five minutes.
ended_completed = Call finished
    .text = Thank you for telling the owner.
ended_no_answer = No answer
    .text = The owner did not pick up. You can try again.
ended_busy = The owner is on another call
    .text = Please try again in a few minutes.
ended_declined = The owner cannot talk now
    .text = Please try again later.
ended_failed = The call did not go through
    .text = Sorry. Please try again.
ended_expired = The code has expired
    .text = Please start again to get a new one.
ended_cancelled = Cancelled
    .text = Nobody was connected. You can start again.

call_now = Call now
code_label = Code
code_hint = If a voice asks for the code, key it in.
valid_moment = Valid for less than a minute
valid_minutes = { $count ->
    [one] Valid for 1 minute
   *[other] Valid for { $count } minutes
}
valid_hours = { $count ->
    [one] Valid for 1 hour
   *[other] Valid for { $count } hours
}
steps_title = What happens
step_ring = We ring the owner and say:
step_accept = The owner presses 1 to talk to you.
step_talk = Stay on the line until you are connected.
progress_dialing = Calling
progress_ringing = Ringing
progress_connected = Talking
refreshed = This page updates by itself.
cancel = Cancel the call
again = Start again
again_done = Back to the sticker’s page
note_challenge = The line will ask you to key two digits that it speaks.

## Problems, as pages

problem_not_found = Nothing here
    .text = This code is not in use. Please check the sticker and scan it again.
problem_wrong_way = Please scan again
    .text = This address does not open by itself. Scan the sticker and choose a reason.
problem_unreadable = That did not work
    .text = Please open the sticker’s page again and choose a reason.
problem_too_slow = Your connection is slow
    .text = The request did not arrive in time. Please try again.
problem_used_before = Please choose again
    .text = This page was already used for another reason. Open it again and choose once more.
problem_lines_busy = All lines are busy
    .text = Every line is in use just now.
problem_very_busy = Very busy just now
    .text = Too many people are asking at this moment.

## Problems, as details for programs (RFC 9457)

status_400 = Bad Request
status_403 = Forbidden
status_404 = Not Found
status_405 = Method Not Allowed
status_408 = Request Timeout
status_413 = Payload Too Large
status_415 = Unsupported Media Type
status_422 = Unprocessable Entity
status_429 = Too Many Requests
status_503 = Service Unavailable

detail_not_found = nothing is here; scan the sticker again, or check the code on it
detail_method_not_allowed = this address does not take that method; the Allow header names those that it takes
detail_too_large = the body is larger than 64 KiB; send less
detail_too_slow = the body did not arrive within 8 seconds; send it again
detail_unsupported_body = send application/json or application/x-www-form-urlencoded, not compressed
detail_malformed = the body is not what its content type says; correct it
detail_idempotency_conflict = this idempotency key was used for a different request; choose a new one
detail_tag_limit = this owner was called often just now; try again later
detail_address_limit = too many requests from this connection; try again later
detail_score = calls from here are refused for now; try again later
detail_owner_unavailable = the owner does not take calls at the moment
detail_not_active = this sticker is not in use yet
detail_overloaded = very busy just now; try again in a moment
detail_numbers_exhausted = all lines are busy; try again shortly
detail_unavailable = not available at the moment; try again shortly

fault_fields = send reason, and if you like language and idempotency_key, and no other field
fault_repeated = send each field once
fault_reason = reason is one of blocking, lights_on, window_open, damage, other, towing, child_or_pet, emergency
fault_language = language is en or hi
fault_key_ascii = the Idempotency-Key header is visible ASCII
fault_keys_differ = the request’s idempotency keys differ; send one
fault_key_length = an idempotency key has 1 to 128 bytes
