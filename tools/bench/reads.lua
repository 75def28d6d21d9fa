-- For wrk: its own summary leaves out p99.9, and prints answers that were errors apart.
done = function(summary, latency, _)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("requests=%d p50_us=%.0f p99_us=%.0f p999_us=%.0f failed=%d\n", summary.requests,
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9), failed))
end
