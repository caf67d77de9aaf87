import Glibc

/// How many files and connections this process may have open.
enum OpenFileLimit {
    /// Has the process use all that it may have, and returns how many those are; nil where nobody can tell.
    ///
    /// What a shell or a service manager gives is meant for programs that use select(2), which this one does not.
    static func raise() -> Int? {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many connections so many open files are enough for; at least one.
    ///
    /// A connection that downloads also has its file open. The rest is for the database's connections, three files each,
    /// for uploads' files, which are opened for each portion, and for the commands.
    static func connections(within files: Int) -> Int { max(1, (files - reserve) / 2) }

    private static let reserve = 128
}
