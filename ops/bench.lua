-- wrk's part of ops/bench: one kind of request over all the tag codes of a file, each thread from another one, and each
-- request from another address behind a proxy. Its last line is one JSON object.
--
--   wrk ... --script ops/bench.lua URL -- json|html|forged|sessions CODES

local SESSION = '{"reason":"blocking","language":"en"}'
-- So many strangers are about.
local ADDRESSES = 100000

local threads = 0
local one -- of them

function setup(thread)
   one = thread
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   kind = args[1]
   requests = {}
   for code in io.lines(args[2]) do
      local nth = #requests % ADDRESSES
      local address = string.format("10.%d.%d.%d", math.floor(nth / 65536) % 256, math.floor(nth / 256) % 256, nth % 256)
      requests[#requests + 1] = request_for(code, address)
   end
   next_request = math.floor(#requests / 2) * number
end

function request_for(code, address)
   local accept = kind == "html" and "text/html" or "application/json"
   local headers = { ["Host"] = wrk.headers["Host"], ["Accept"] = accept, ["X-Forwarded-For"] = address }
   if kind ~= "sessions" then
      return wrk.format("GET", "/q/" .. code, headers)
   end
   headers["Content-Type"] = "application/json"
   return wrk.format("POST", "/q/" .. code .. "/sessions", headers, SESSION)
end

function request()
   next_request = next_request % #requests + 1
   return requests[next_request]
end

function done(summary, latency)
   local errors = summary.errors
   -- A forged code is told that there is no such tag; nobody else hears anything like that.
   local wrong = errors.status
   if one:get("kind") == "forged" then
      wrong = summary.requests - errors.status
   end
   io.write(string.format(
      '{"requests":%d,"per_second":%.0f,"p50_us":%.0f,"p99_us":%.0f,"bytes_each":%.3f,"errors":%d,"seconds":%.3f}\n',
      summary.requests,
      summary.requests * 1e6 / summary.duration,
      latency:percentile(50),
      latency:percentile(99),
      summary.bytes / summary.requests,
      errors.connect + errors.read + errors.write + errors.timeout + wrong,
      summary.duration / 1e6
   ))
end
