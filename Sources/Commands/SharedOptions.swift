import ArgumentParser
import Glibc
import Logging
import Server

/// What every command that works on a storage folder can be told.
struct SharedOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The storage folder.", valueName: "folder"))
    var storage: String?

    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String?

    /// The configuration in force; `flags` adds what else the command line gives.
    func configuration(
        _ flags: (inout ConfigurationFlags) -> Void = { _ in }
    ) throws(ConfigurationError) -> BerthConfiguration {
        var given = ConfigurationFlags(file: config)
        given.set(Settings.storage, to: storage)
        flags(&given)
        return try BerthConfiguration.load(flags: given, environment: Self.environment)
    }

    /// All variables of the process.
    static var environment: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }
}

extension BerthConfiguration {
    /// A logger that writes as configured, or from `level` on where that is higher.
    func logger(atLeast level: Logger.Level = .trace) -> Logger {
        Logger(label: "berth") { [log] _ in LineLogHandler(format: log.format, level: max(log.level, level)) }
    }
    /// Where a server tells what it does: as configured.
    func serverLog(_ logger: Logger) -> ServerLog {
        let log = RequestLog(format: log.format)
        let isWanted = logger.logLevel <= .info
        return ServerLog(logger: logger) { records in
            if isWanted { log.write(records) }
        }
    }
}
