-- wrk: one signed delivery again and again, each time with an id of its own.
-- The environment names a file with the raw body, its signature, and a word that no earlier run used.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local before, after
local count = 0

function init(_)
  local file = assert(io.open(os.getenv("ACK_BODY"), "rb"))
  local body = file:read("*a")
  file:close()
  local whole = wrk.format("POST", "/webhooks/github", {
    ["Content-Type"] = "application/json",
    ["User-Agent"] = "GitHub-Hookshot/benchmark",
    ["X-GitHub-Event"] = "issue_comment",
    ["X-GitHub-Delivery"] = "ID-GOES-HERE",
    ["X-Hub-Signature-256"] = os.getenv("ACK_SIGNATURE"),
  }, body)
  local first, last = whole:find("ID-GOES-HERE", 1, true)
  before = whole:sub(1, first - 1) .. os.getenv("ACK_RUN") .. "-" .. number .. "-"
  after = whole:sub(last + 1)
end

function request()
  count = count + 1
  return before .. count .. after
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
