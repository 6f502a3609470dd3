# Everything that a scanner reads, in Hindi as people in India write it: common words, short and polite.
# en.ftl has the same messages with the same variables; a test compares the two.

## On every page

nav_language = भाषा
emergency_question = इमरजेंसी?
emergency_call = 112 पर कॉल करें
private = न आपको उनका नंबर दिखेगा, न उन्हें आपका। कॉल रिकॉर्ड नहीं होती।
promise = QNect कभी पैसे, लॉगिन या आपका नंबर नहीं माँगता।

## A sticker's page

tag_title = गाड़ी के मालिक को कॉल करें
tag_lead = वजह चुनें, फिर एक टैप में कॉल लगाएँ।
urgent = बहुत ज़रूरी
urgent_still = इनके लिए आप अब भी कॉल कर सकते हैं।

reason_blocking = रास्ते में खड़ी है
reason_lights_on = लाइट जल रही है
reason_window_open = खिड़की खुली है
reason_damage = गाड़ी को नुकसान हुआ है
reason_other = कोई और बात
reason_towing = गाड़ी उठाई जाने वाली है
reason_child_or_pet = अंदर बच्चा या जानवर है
reason_emergency = गाड़ी के पास इमरजेंसी है

## Why the owner cannot be called

refused_tag_limit = अभी कई बार कॉल हो चुकी है
    .text = इस गाड़ी के मालिक को अभी-अभी कई बार कॉल किया गया है।
refused_address_limit = बहुत बार कोशिश हुई है
    .text = आपके नेटवर्क से बहुत बार कोशिश हुई है। हो सकता है, दूसरे लोग भी वही नेटवर्क इस्तेमाल कर रहे हों।
refused_score = अभी कॉल नहीं हो सकती
    .text = यहाँ से कॉल अभी रोकी गई है। कृपया बाद में फिर कोशिश करें।
refused_owner_unavailable = मालिक अभी कॉल नहीं ले रहे हैं
    .text = कृपया बाद में फिर कोशिश करें।
refused_not_active = यह स्टिकर अभी चालू नहीं है
    .text = इससे कोई मालिक नहीं जुड़ा है, इसलिए कॉल नहीं हो सकती। अगर यह स्टिकर आपका है, तो पहले इसे चालू करें।

try_again_soon = कृपया कुछ सेकंड बाद फिर कोशिश करें।
try_again_half_minute = कृपया आधे मिनट बाद फिर कोशिश करें।
try_again_minutes = { $count ->
    [one] कृपया करीब एक मिनट बाद फिर कोशिश करें।
   *[other] कृपया करीब { $count } मिनट बाद फिर कोशिश करें।
}
try_again_hours = { $count ->
    [one] कृपया करीब एक घंटे बाद फिर कोशिश करें।
   *[other] कृपया करीब { $count } घंटे बाद फिर कोशिश करें।
}

## A session's page

waiting = मालिक को कॉल करें
    .text = फ़ोन नंबर और कोड अपने-आप मिला देगा।
dialing = कॉल लगाई जा रही है
    .text = हम मालिक को कॉल कर रहे हैं। कृपया लाइन पर बने रहें।
ringing = घंटी बज रही है
    .text = मालिक के फ़ोन की घंटी बज रही है। कृपया लाइन पर बने रहें।
connected = बात हो रही है
    .text = आप गाड़ी के मालिक से बात कर रहे हैं।
owner_coming = मालिक आ रहे हैं
    .text = करीब पाँच मिनट में पहुँच जाएँगे।
ended_completed = कॉल पूरी हुई
    .text = मालिक को बताने के लिए धन्यवाद।
ended_no_answer = कॉल नहीं उठाई गई
    .text = मालिक ने कॉल नहीं उठाई। आप फिर कोशिश कर सकते हैं।
ended_busy = मालिक दूसरी कॉल पर हैं
    .text = कृपया कुछ मिनट बाद फिर कोशिश करें।
ended_declined = मालिक अभी बात नहीं कर सकते
    .text = कृपया बाद में फिर कोशिश करें।
ended_failed = कॉल नहीं लग पाई
    .text = माफ़ कीजिए। कृपया फिर कोशिश करें।
ended_expired = कोड का समय पूरा हो गया
    .text = नया कोड पाने के लिए फिर से शुरू करें।
ended_cancelled = कॉल रद्द हुई
    .text = किसी से बात नहीं हुई। आप फिर से शुरू कर सकते हैं।

call_now = कॉल करें
code_label = कोड
code_hint = कॉल पर कोड माँगा जाए, तो यही दबाएँ।
valid_moment = एक मिनट से भी कम समय बाकी है
valid_minutes = { $count ->
    [one] { $count } मिनट तक मान्य
   *[other] { $count } मिनट तक मान्य
}
valid_hours = { $count ->
    [one] { $count } घंटे तक मान्य
   *[other] { $count } घंटे तक मान्य
}
steps_title = आगे क्या होगा
step_ring = हम मालिक को कॉल करके बताएँगे:
step_accept = बात करने के लिए मालिक 1 दबाएँगे।
step_talk = बात शुरू होने तक लाइन पर बने रहें।
progress_dialing = कॉल
progress_ringing = घंटी
progress_connected = बातचीत
refreshed = यह पेज अपने-आप अपडेट होता है।
cancel = कॉल रद्द करें
again = फिर से शुरू करें
again_done = स्टिकर के पेज पर वापस जाएँ
note_challenge = कॉल पर दो अंक बोले जाएँगे। उन्हें फ़ोन पर दबाएँ।

## Problems, as pages

problem_not_found = यहाँ कुछ नहीं मिला
    .text = यह कोड चालू नहीं है। कृपया स्टिकर देखकर फिर से स्कैन करें।
problem_wrong_way = कृपया फिर से स्कैन करें
    .text = यह पता सीधे नहीं खुलता। स्टिकर स्कैन करके वजह चुनें।
problem_unreadable = यह नहीं हो पाया
    .text = कृपया स्टिकर का पेज फिर से खोलें और वजह चुनें।
problem_too_slow = आपका इंटरनेट धीमा है
    .text = आपकी जानकारी समय पर नहीं पहुँची। कृपया फिर कोशिश करें।
problem_used_before = कृपया फिर से चुनें
    .text = इस पेज से पहले ही दूसरी वजह चुनी जा चुकी है। पेज फिर से खोलकर वजह चुनें।
problem_lines_busy = सभी लाइनें व्यस्त हैं
    .text = इस समय कोई लाइन खाली नहीं है।
problem_very_busy = अभी बहुत भीड़ है
    .text = इस समय बहुत लोग कोशिश कर रहे हैं।

## Problems, as details for programs (RFC 9457)

status_400 = गलत अनुरोध
status_403 = अनुमति नहीं है
status_404 = नहीं मिला
status_405 = यह तरीका मान्य नहीं है
status_408 = अनुरोध का समय पूरा हुआ
status_413 = अनुरोध बहुत बड़ा है
status_415 = इस प्रकार का डेटा नहीं लिया जाता
status_422 = अनुरोध समझ में नहीं आया
status_429 = बहुत ज़्यादा अनुरोध
status_503 = सेवा अभी उपलब्ध नहीं है

detail_not_found = यहाँ कुछ नहीं है; स्टिकर फिर से स्कैन करें, या उस पर लिखा कोड देखें
detail_method_not_allowed = इस पते पर यह तरीका नहीं चलता; Allow हेडर में सही तरीके लिखे हैं
detail_too_large = डेटा 64 KiB से बड़ा है; कम भेजें
detail_too_slow = डेटा 8 सेकंड में नहीं पहुँचा; फिर से भेजें
detail_unsupported_body = application/json या application/x-www-form-urlencoded भेजें, बिना कंप्रेशन के
detail_malformed = डेटा अपने content type के अनुसार नहीं है; उसे ठीक करें
detail_idempotency_conflict = यह idempotency key किसी और अनुरोध में काम आ चुकी है; नई चुनें
detail_tag_limit = इस गाड़ी के मालिक को अभी कई बार कॉल किया गया है; बाद में फिर कोशिश करें
detail_address_limit = इस कनेक्शन से बहुत ज़्यादा अनुरोध आए हैं; बाद में फिर कोशिश करें
detail_score = यहाँ से कॉल अभी रोकी गई है; बाद में फिर कोशिश करें
detail_owner_unavailable = मालिक अभी कॉल नहीं ले रहे हैं
detail_not_active = यह स्टिकर अभी चालू नहीं है
detail_overloaded = अभी बहुत भीड़ है; थोड़ी देर में फिर कोशिश करें
detail_numbers_exhausted = सभी लाइनें व्यस्त हैं; थोड़ी देर में फिर कोशिश करें
detail_unavailable = सेवा अभी उपलब्ध नहीं है; थोड़ी देर में फिर कोशिश करें

fault_fields = reason भेजें, चाहें तो language और idempotency_key भी, और कोई दूसरा field नहीं
fault_repeated = हर field एक ही बार भेजें
fault_reason = reason इनमें से एक हो: blocking, lights_on, window_open, damage, other, towing, child_or_pet, emergency
fault_language = language en या hi हो
fault_key_ascii = Idempotency-Key header में केवल दिखने वाले ASCII अक्षर हों
fault_keys_differ = अनुरोध की idempotency keys अलग-अलग हैं; एक ही भेजें
fault_key_length = idempotency key 1 से 128 bytes की हो
