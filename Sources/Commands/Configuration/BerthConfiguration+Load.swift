extension BerthConfiguration {
    /// Reads all sources: flags go before the environment, which goes before the file, which goes before the
    /// defaults.
    ///
    /// Every source is checked as a whole: a wrong value is a problem even where a stronger source has
    /// another one.
    ///
    /// - Parameters:
    ///   - flags: What the command line gives; its `file` is the file to read if it is set.
    ///   - environment: All variables of the process; `BERTH_CONFIG` names the file where the flags do not.
    ///   - standardFile: The file that is read if it exists and no other is named; nil for none.
    /// - Returns: The values in force and where each comes from.
    /// - Throws: Everything that is wrong in any source.
    static func load(
        flags: ConfigurationFlags = ConfigurationFlags(),
        environment: [String: String],
        standardFile: String? = ConfigurationFile.standardPath
    ) throws(ConfigurationError) -> BerthConfiguration {
        let environment = ConfigurationEnvironment(environment)
        var problems = flags.problems + environment.problems
        var document: ConfigurationDocument?
        var path: String?
        do throws(ConfigurationProblem) {
            if let file = try ConfigurationFile.find(flags.file, environment.file, standardFile) {
                let decoded = ConfigurationDocument(file)
                problems += decoded.problems
                document = decoded
                path = file.path
            }
        } catch {
            problems.append(error)
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        let sources = ConfigurationSources(
            flags: flags,
            environment: environment,
            file: document,
            path: path ?? ""
        )
        return try BerthConfiguration(sources, file: path)
    }

    private init(_ sources: ConfigurationSources, file: String?) throws(ConfigurationError) {
        var values = SettingValues(sources)
        do throws(ConfigurationProblem) {
            self.host = try values.value(of: Settings.host)
            self.port = try values.value(of: Settings.port)
            self.allowRemote = try values.value(of: Settings.allowRemote)
            self.hosts = try values.value(of: Settings.hosts)
            self.url = try values.value(of: Settings.url)
            self.storage = try values.value(of: Settings.storage)
            self.deletes = try values.value(of: Settings.deletes)
            self.immutable = try values.value(of: Settings.immutable)
            self.ttl = try values.value(of: Settings.ttl)
            self.retention = try values.value(of: Settings.retention)
            self.sparse = try values.value(of: Settings.sparse)
            self.log = Log(
                level: try values.value(of: Settings.logLevel),
                format: try values.value(of: Settings.logFormat)
            )
            self.timeouts = Timeouts(
                header: try values.value(of: Settings.headerTimeout),
                idle: try values.value(of: Settings.idleTimeout),
                stall: try values.value(of: Settings.stallTimeout),
                queue: try values.value(of: Settings.queueTimeout),
                drain: try values.value(of: Settings.drainTimeout)
            )
            self.limits = Limits(
                uploadSize: try values.value(of: Settings.uploadSize),
                connections: try values.value(of: Settings.connections),
                rate: try values.value(of: Settings.rate),
                uploads: try values.value(of: Settings.concurrentUploads),
                packagings: try values.value(of: Settings.packagings),
                expansions: try values.value(of: Settings.expansions),
                documents: try values.value(of: Settings.documents),
                sessions: try values.value(of: Settings.maximumSessions)
            )
            self.packaging = Packaging(
                caBundle: try values.value(of: Settings.caBundle),
                timeZones: try values.value(of: Settings.timeZones),
                workers: try values.value(of: Settings.workers)
            )
            self.garbage = Garbage(
                grace: try values.value(of: Settings.grace),
                untagged: try values.value(of: Settings.untagged),
                interval: try values.value(of: Settings.collectionInterval)
            )
            self.uploads = Uploads(expiry: try values.value(of: Settings.uploadExpiry))
            self.scrub = Scrub(rate: try values.value(of: Settings.scrubRate))
        } catch {
            throw ConfigurationError(problems: [error])
        }
        self.settings = values.settings
        self.file = file
    }
}

/// Reads typed values out of the sources, and keeps what it read.
private struct SettingValues {
    private let sources: ConfigurationSources
    private(set) var settings: [EffectiveSetting] = []

    init(_ sources: ConfigurationSources) {
        self.sources = sources
    }

    mutating func value<Value>(of setting: Setting<Value>) throws(ConfigurationProblem) -> Value {
        let (text, origin) = sources.text(of: setting)
        do {
            let value = try setting.type.parse(text)
            settings.append(
                EffectiveSetting(
                    key: setting.key,
                    shape: setting.shape,
                    text: text,
                    isNone: setting.allowsNone && text == "none",
                    origin: origin
                )
            )
            return value
        } catch {
            throw ConfigurationProblem(origin, key: setting.key.path, .invalidValue(text, error))
        }
    }
}
