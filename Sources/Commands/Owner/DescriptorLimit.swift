import Glibc

/// How many files this process may have open, and how many connections that allows.
///
/// A listener that has none left cannot take a connection and cannot refuse it either, and what is being served
/// cannot open its files. So fewer connections are taken than there are descriptors; further ones wait.
enum DescriptorLimit {
    /// For the database, its readers, the log, the socket and what the blob store's threads have open.
    static let kept = 48
    /// A connection's own, and that of the file that it is being sent.
    static let perConnection = 2

    /// Has the system allow what so many connections need, as far as it will, and returns how many it allows.
    static func connections(wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        let needed = rlim_t(kept + wanted * perConnection)
        if limit.rlim_cur < needed {
            var raised = limit
            raised.rlim_cur = min(limit.rlim_max, needed)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return connections(wanted: wanted, descriptors: Int(clamping: limit.rlim_cur))
    }

    /// How many of the wanted connections so many descriptors are enough for; one at least.
    static func connections(wanted: Int, descriptors: Int) -> Int {
        min(wanted, max((descriptors - kept) / perConnection, 1))
    }
}
