extension ConfigurationFile {
    /// Reads the file that is named by a flag, else by the environment, else the standard one if it exists.
    ///
    /// - Parameters:
    ///   - flag: The value of `--config`.
    ///   - variable: The value of `BERTH_CONFIG`.
    ///   - standard: The path that is tried where neither is set.
    /// - Returns: nil if none is named and there is no standard one.
    /// - Throws: A problem if a file that is named is missing, or if the file cannot be read.
    static func find(
        _ flag: String?,
        _ variable: String?,
        _ standard: String?
    ) throws(ConfigurationProblem) -> ConfigurationFile? {
        let named: (path: String, origin: SettingOrigin)? =
            if let flag {
                (flag, .flag("--config"))
            } else if let variable {
                (variable, .environment(ConfigurationEnvironment.fileVariable))
            } else {
                nil
            }
        guard let named else {
            return try standard.flatMap { path throws(ConfigurationProblem) in
                try read(path, namedBy: nil)
            }
        }
        guard !named.path.isEmpty else { throw ConfigurationProblem(named.origin, .noFileName) }
        return try read(named.path, namedBy: named.origin)
    }
}
