import Glibc

/// A program that is run to its end, for a text.
///
/// All of it blocks.
enum Subprocess {
    struct Outcome: Sendable {
        /// The exit code; -1 where a signal ended it.
        let status: CInt
        let output: [UInt8]
    }

    /// Runs a program found on PATH, with a text on its standard input.
    ///
    /// What it writes to standard error goes where ours does. One that takes longer than the limit is killed.
    static func run(
        _ program: String,
        _ arguments: [String],
        input: [UInt8],
        timeLimit: Duration,
        maximumOutput: Int
    ) throws -> Outcome {
        let toProgram = try Pipe()
        let fromProgram = try Pipe()
        let pid = try spawn(program, arguments, reading: toProgram.readEnd, writing: fromProgram.writeEnd)
        toProgram.closeReadEnd()
        fromProgram.closeWriteEnd()
        // The texts are shorter than what a pipe holds, so this does not wait for a reader.
        write(input, to: toProgram.writeEnd)
        toProgram.closeWriteEnd()
        let deadline = ContinuousClock.now + timeLimit
        let output = read(fromProgram.readEnd, until: deadline, maximumOutput)
        let status = wait(for: pid, until: output == nil ? .now : deadline)
        guard let output, let status else { throw CredentialHelperError.tooSlow(program, timeLimit) }
        return Outcome(status: status & 0x7F == 0 ? (status >> 8) & 0xFF : -1, output: output)
    }

    /// Writes without a signal where nobody reads: that is for the program to decide.
    private static func write(_ bytes: [UInt8], to descriptor: CInt) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, &signals, &before)
        // SAFETY: the bytes are used within the closure alone.
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EPIPE {
            // Taken here, where it waits, so that it does not come later.
            var moment = timespec()
            while sigtimedwait(&signals, nil, &moment) == -1, errno == EINTR {}
        }
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }

    /// How a program ended; nil where it had to be killed.
    private static func wait(for pid: pid_t, until deadline: ContinuousClock.Instant) -> CInt? {
        var status: CInt = 0
        while ContinuousClock.now < deadline {
            if waitpid(pid, &status, WNOHANG) == pid { return status }
            // The system has no call that waits for one child for a time. The program has closed its output, and ends.
            usleep(1000)
        }
        kill(pid, SIGKILL)
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        return nil
    }

    /// Reads to the end; nil where that does not come in time.
    private static func read(
        _ descriptor: CInt,
        until deadline: ContinuousClock.Instant,
        _ limit: Int
    ) -> [UInt8]? {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let rest = deadline - ContinuousClock.now
            guard rest > .zero else { return nil }
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            // In steps, so that no rounding makes it wait too long.
            guard Glibc.poll(&poll, 1, CInt(min(rest.components.seconds * 1000 + 100, 1000))) > 0 else {
                continue
            }
            // SAFETY: the bytes are used within the closure alone.
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return output }
            output += buffer.prefix(count)
            guard output.count <= limit else { return nil }
        }
    }

    private static func spawn(
        _ program: String,
        _ arguments: [String],
        reading input: CInt,
        writing output: CInt
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Whatever signals this process blocks or ignores, the program knows nothing of it.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        // SAFETY: copies of the words, freed when the call that reads them has returned.
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, program, &actions, &attributes, &words, environ)
        guard code == 0 else {
            throw code == ENOENT
                ? CredentialHelperError.missing(program)
                : .failed(program, String(cString: strerror(code)))
        }
        return pid
    }

    /// A pipe whose ends are closed when nobody holds it any more, and that no other program inherits.
    private final class Pipe {
        private(set) var readEnd: CInt
        private(set) var writeEnd: CInt

        init() throws {
            var ends: [CInt] = [-1, -1]
            guard pipe(&ends) == 0 else {
                throw CommandError("cannot make a pipe: \(String(cString: strerror(errno)))")
            }
            (readEnd, writeEnd) = (ends[0], ends[1])
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }

        func closeReadEnd() {
            if readEnd >= 0 { close(readEnd) }
            readEnd = -1
        }

        func closeWriteEnd() {
            if writeEnd >= 0 { close(writeEnd) }
            writeEnd = -1
        }

        deinit {
            closeReadEnd()
            closeWriteEnd()
        }
    }
}
