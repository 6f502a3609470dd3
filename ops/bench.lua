-- wrk's part of ops/bench-scan: GET /q/{code} as JSON, over all the codes of a file, each thread from another one, and each
-- request from another address behind a proxy.
-- Its last line is one JSON object.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   requests = {}
   for code in io.lines(args[1]) do
      local nth = #requests
      local address = string.format("10.%d.%d.%d", math.floor(nth / 65536) % 256, math.floor(nth / 256) % 256, nth % 256)
      local headers = { ["Host"] = wrk.headers["Host"], ["Accept"] = "application/json", ["X-Forwarded-For"] = address }
      requests[#requests + 1] = wrk.format("GET", "/q/" .. code, headers)
   end
   next_request = math.floor(#requests / 2) * number
end

function request()
   next_request = next_request % #requests + 1
   return requests[next_request]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests":%d,"per_second":%.0f,"p50_us":%.0f,"p99_us":%.0f,"bytes_each":%.3f,"errors":%d}\n',
      summary.requests,
      summary.requests * 1e6 / summary.duration,
      latency:percentile(50),
      latency:percentile(99),
      summary.bytes / summary.requests,
      errors.connect + errors.read + errors.write + errors.timeout + errors.status
   ))
end
