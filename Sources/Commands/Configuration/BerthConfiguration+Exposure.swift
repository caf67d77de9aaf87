extension BerthConfiguration {
    /// Whether the listener can be reached from other machines.
    ///
    /// A name other than `localhost` counts as reachable, whatever it resolves to.
    var listensForRemote: Bool { !host.isLoopback }

    /// Refuses to listen for other machines unless `allow-remote` says so; for commands that open a listener.
    ///
    /// Whoever reaches the registry may push and delete, because there are no accounts.
    func checkExposure() throws(ConfigurationError) {
        guard listensForRemote, !allowRemote else { return }
        let key = Settings.host.key
        let origin = settings.first { $0.key == key }?.origin ?? .standard
        throw ConfigurationError(problems: [
            ConfigurationProblem(origin, key: key.path, .remoteListener(host.text))
        ])
    }
}
