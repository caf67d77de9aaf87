import Logging
import Registry

/// The configuration in force.
///
/// `Settings` says what each value means, its range and its default.
struct BerthConfiguration: Sendable {
    let host: HostName
    let port: Int
    let allowRemote: Bool
    /// The names of the setting alone; see `acceptedHosts`.
    let hosts: [HostName]
    let url: BaseURL?
    /// The path of the storage folder, relative to the working directory or absolute.
    let storage: String
    let deletes: DeletePermission
    let immutable: [TagPattern]
    let ttl: [TagLifetime]
    let retention: [RetentionRule]
    let sparse: [NamePattern]
    let log: Log
    let timeouts: Timeouts
    let limits: Limits
    let packaging: Packaging
    let garbage: Garbage
    let uploads: Uploads
    let scrub: Scrub

    /// Each setting's text and origin, in the order of the schema.
    let settings: [EffectiveSetting]
    /// The path of the file that was read; nil if none was.
    let file: String?

    /// The names besides localhost that a listener on loopback accepts in the Host header: those configured,
    /// and the one in `url`, which a proxy may pass on.
    var acceptedHosts: [HostName] {
        guard let url, !hosts.contains(url.host) else { return hosts }
        return hosts + [url.host]
    }

    struct Log: Hashable, Sendable {
        let level: Logger.Level
        let format: LogFormat
    }

    struct Timeouts: Hashable, Sendable {
        let header: Duration
        let idle: Duration
        let stall: Duration
        let queue: Duration
        let drain: Duration
    }

    struct Limits: Hashable, Sendable {
        /// nil for no limit.
        let uploadSize: ByteSize?
        let connections: Int
        /// nil for no limit.
        let rate: ByteSize?
        let uploads: Int
        let packagings: Int
        let expansions: Int
        let documents: ByteSize
        let sessions: Int
    }

    struct Packaging: Hashable, Sendable {
        let caBundle: CABundle
        let timeZones: TimeZoneSource
        /// 0 for one worker a core.
        let workers: Int
    }

    struct Garbage: Hashable, Sendable {
        let grace: Duration
        /// nil for never.
        let untagged: Duration?
        let interval: Duration
    }

    struct Uploads: Hashable, Sendable {
        let expiry: Duration
    }

    struct Scrub: Hashable, Sendable {
        /// In bytes a second; nil where nothing is read again by itself.
        let rate: ByteSize?
    }
}

/// A setting as it is in force.
struct EffectiveSetting: Sendable {
    let key: ConfigurationKey
    let shape: SettingShape
    /// The value in the spelling of the source that gave it.
    let text: String
    /// Whether the text is the word for no value.
    let isNone: Bool
    let origin: SettingOrigin
}
