import Logging

/// The schema: every setting that there is.
///
/// The decoder of the file, the check of the environment and `berth config` work from this table alone, and
/// tests hold `config/berth.yaml` and `docs/configuration.md` against it.
enum Settings {
    static let host = Setting(
        "host",
        .hostName,
        default: "127.0.0.1",
        "The address to listen on."
    )
    static let port = Setting(
        "port",
        .integer(0...65535),
        default: "5000",
        "The port to listen on; 0 takes a free one."
    )
    static let allowRemote = Setting(
        "allow-remote",
        .boolean,
        default: "false",
        "Whether other machines may reach the listener, though there are no TLS and no accounts."
    )
    static let hosts = Setting(
        "hosts",
        .hostNames,
        default: "",
        "Names besides localhost that are accepted in the Host header; elsewhere than on loopback, with none every name is."
    )
    static let url = Setting(
        "url",
        SettingType<BaseURL>.baseURL.orNone,
        default: "none",
        "The address that clients use where it differs from the listener's, as behind a proxy."
    )
    static let storage = Setting(
        "storage",
        .path,
        default: "./storage",
        "The folder of all data; a relative path begins at the working directory."
    )

    static let deletes = Setting(
        "deletes",
        SettingType<DeletePermission>.choice,
        default: "allow",
        "Whether clients may delete blobs, manifests and tags: allow or deny."
    )
    static let immutable = Setting(
        "immutable",
        .tagPatterns,
        default: "",
        "Tags that stay with what was first pushed to them, such as v* everywhere or release/*:* in some repositories."
    )
    static let ttl = Setting(
        "ttl",
        .tagLifetimes,
        default: "",
        "How long tags are there, by pattern, such as pr-*=7d or ci/*:*=12h; what no pattern stands for stays."
    )
    static let retention = Setting(
        "retention",
        .retentionRules,
        default: "",
        "Which tags are kept, by repository, such as ci/* last=10 pulled=30d untagged=1d; where no rule fits all are."
    )
    static let sparse = Setting(
        "sparse",
        .namePatterns,
        default: "",
        "Repositories where a manifest may refer to what was not pushed, such as mirror/*; * for all."
    )

    static let logLevel = Setting(
        "log.level",
        SettingType<Logger.Level>.choice,
        default: "info",
        "The least severe messages that are logged: trace, debug, info, notice, warning, error or critical."
    )
    static let logFormat = Setting(
        "log.format",
        SettingType<LogFormat>.choice,
        default: "text",
        "Lines for people or JSON for machines: text or json."
    )

    static let headerTimeout = Setting(
        "timeouts.header",
        .duration(.milliseconds(1) ... .days(1)),
        default: "30s",
        "How long a connection may take to send the head of a request."
    )
    static let idleTimeout = Setting(
        "timeouts.idle",
        .duration(.milliseconds(1) ... .days(1)),
        default: "75s",
        "How long a connection without a request is kept."
    )
    static let stallTimeout = Setting(
        "timeouts.stall",
        .duration(.milliseconds(1) ... .days(1)),
        default: "60s",
        "How long a client in the middle of a request may neither send nor take a byte."
    )
    static let queueTimeout = Setting(
        "timeouts.queue",
        .duration(.milliseconds(1) ... .days(1)),
        default: "5m",
        "How long a request waits in line where as many as may be are being answered."
    )
    static let drainTimeout = Setting(
        "timeouts.drain",
        .duration(.zero ... .days(1)),
        default: "30s",
        "How long a stop waits for the requests that are running."
    )

    static let uploadSize = Setting(
        "limits.upload-size",
        SettingType<ByteSize>.byteSize(ByteSize(bytes: 1)...ByteSize(bytes: 1 << 50)).orNone,
        default: "none",
        "The largest blob or executable that is taken: a size such as 512MiB or 10GB, or none for no limit."
    )
    static let connections = Setting(
        "limits.connections",
        .integer(1...1_000_000),
        default: "1024",
        "How many connections are served at once."
    )
    static let rate = Setting(
        "limits.minimum-rate",
        SettingType<ByteSize>.byteSize(ByteSize(bytes: 1)...ByteSize(bytes: 1 << 30)).orNone,
        default: "1KiB",
        "The least that a client sends or takes in a second, on average over timeouts.stall; none for no such limit."
    )
    static let concurrentUploads = Setting(
        "limits.uploads",
        .integer(1...1_000_000),
        default: "128",
        "How many uploads are received at once; others wait in line."
    )
    static let packagings = Setting(
        "limits.packagings",
        .integer(1...10_000),
        default: "16",
        "How many uploaded executables and folders are made into images at once; others wait in line."
    )
    static let expansions = Setting(
        "limits.expansions",
        .integer(1...10_000),
        default: "16",
        "How many executables are taken out of their images at once; others wait in line."
    )
    static let documents = Setting(
        "limits.documents",
        SettingType<ByteSize>.byteSize(ByteSize(bytes: 16 << 20)...ByteSize(bytes: 1 << 40)),
        default: "256MiB",
        "How many bytes of manifests and lists are held at once for clients; others wait in line."
    )
    static let maximumSessions = Setting(
        "limits.sessions",
        .integer(1...1_000_000),
        default: "10000",
        "How many unfinished uploads can be open at once."
    )

    static let caBundle = Setting(
        "packaging.ca-bundle",
        .caBundle,
        default: "host",
        "The root certificates that images get: this machine's (host), those in a file (its path), or none."
    )
    static let timeZones = Setting(
        "packaging.zoneinfo",
        .timeZones,
        default: "host",
        "The time zones for images that want them: this machine's (host), those in a folder (its path), or none."
    )
    static let workers = Setting(
        "packaging.workers",
        .integer(0...1024),
        default: "0",
        "How many threads compress layers; 0 takes one for each core."
    )

    static let grace = Setting(
        "garbage.grace",
        .duration(.zero ... .days(3650)),
        default: "24h",
        "How long a blob stays that nothing refers to; a push must end within it."
    )
    static let untagged = Setting(
        "garbage.untagged",
        SettingType<Duration>.duration(.zero ... .days(3650)).orNone,
        default: "7d",
        "How long a manifest stays that had a tag and lost it, from then or from when it was last pulled; none for ever."
    )
    static let collectionInterval = Setting(
        "garbage.interval",
        .duration(.seconds(1) ... .days(7)),
        default: "10m",
        "How often a server looks for what is due to be collected."
    )

    static let uploadExpiry = Setting(
        "uploads.expiry",
        .duration(.seconds(1) ... .days(3650)),
        default: "7d",
        "How long an unfinished upload can be resumed after the last of its bytes came."
    )

    static let scrubRate = Setting(
        "scrub.rate",
        SettingType<ByteSize>.byteSize(ByteSize(bytes: 1024)...ByteSize(bytes: 1 << 40)).orNone,
        default: "8MiB",
        "How many bytes a second a running server reads again to find what is damaged, or none for never."
    )

    /// Every setting, in the order of `config/berth.yaml`: a section's settings follow each other.
    static let all: [any SettingDefinition] = [
        host, port, allowRemote, hosts, url, storage, deletes, immutable, ttl, retention, sparse,
        logLevel, logFormat,
        headerTimeout, idleTimeout, stallTimeout, queueTimeout, drainTimeout,
        uploadSize, connections, rate, concurrentUploads, packagings, expansions, documents, maximumSessions,
        caBundle, timeZones, workers,
        grace, untagged, collectionInterval,
        uploadExpiry,
        scrubRate,
    ]

    /// The setting of a key such as `log.level`.
    static func setting(at path: String) -> (any SettingDefinition)? {
        all.first { $0.key.path == path }
    }

    /// The names of the sections, in the order of the settings.
    static var sections: [String] {
        all.compactMap(\.key.section).reduce(into: []) { names, name in
            if names.last != name { names.append(name) }
        }
    }

    /// The settings in a section such as `log`; none if there is no such section.
    static func settings(in section: String) -> [any SettingDefinition] {
        all.filter { $0.key.section == section }
    }
}

extension Duration {
    fileprivate static func days(_ count: Int) -> Duration {
        .seconds(86_400 * count)
    }
}
