/// A command that tells whether the program in a container is well.
///
/// - SeeAlso: Docker Image Specification v1.3, "Healthcheck"
package struct HealthCheck: Hashable, Sendable {
    /// `CMD` and the command's words, or `CMD-SHELL` and a line for a shell.
    package var test: [String]
    /// From one check to the next; nil for the engine's default, as for all the others.
    package var interval: Duration?
    /// How long a check may take.
    package var timeout: Duration?
    /// How long checks may fail after the start.
    package var startPeriod: Duration?
    /// How many checks in a row have to fail.
    package var retries: Int?

    package init(test: [String]) { self.test = test }
}

extension HealthCheck: Decodable {
    private enum CodingKeys: String, CodingKey {
        case test = "Test"
        case interval = "Interval"
        case timeout = "Timeout"
        case startPeriod = "StartPeriod"
        case retries = "Retries"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func duration(_ key: CodingKeys) throws -> Duration? {
            try container.decodeIfPresent(Int64.self, forKey: key).map(Duration.nanoseconds)
        }
        test = try container.decodeIfPresent([String].self, forKey: .test) ?? []
        interval = try duration(.interval)
        timeout = try duration(.timeout)
        startPeriod = try duration(.startPeriod)
        retries = try container.decodeIfPresent(Int.self, forKey: .retries)
    }
}

extension HealthCheck {
    /// The check in a fixed order of keys, without those that say nothing; durations in nanoseconds.
    package var json: JSONValue {
        var members: [JSONValue.Member] = [.init("Test", .strings(test))]
        for (key, duration) in [("Interval", interval), ("Timeout", timeout), ("StartPeriod", startPeriod)] {
            guard let duration else { continue }
            let (seconds, attoseconds) = duration.components
            members.append(.init(key, .integer(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)))
        }
        if let retries { members.append(.init("Retries", .integer(Int64(retries)))) }
        return .object(members)
    }
}
