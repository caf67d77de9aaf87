import HTTPTypes

extension HTTPFields {
    /// Whether a client names JSON among what it accepts.
    ///
    /// `*/*` does not.
    var prefersJSON: Bool {
        self[values: .accept].flatMap { $0.split(separator: ",") }.contains { range in
            let type = range.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
            return type.lowercased() == "application/json"
        }
    }
}
