import Registry

extension SettingType<String> {
    /// The path of a file or folder, as the system takes it: nothing in it is expanded.
    static var path: SettingType {
        SettingType(expectation: "a path") { (text: String) throws(InvalidValue) -> String in
            try checkPath(text)
            return text
        }
    }
}

extension SettingType<CABundle> {
    static var caBundle: SettingType {
        SettingType(expectation: "host, none or the path of a file of certificates") {
            (text: String) throws(InvalidValue) -> CABundle in
            switch text {
            case "host": return .host
            case "none": return .none
            default:
                try checkPath(text)
                return .file(text)
            }
        }
    }
}

extension SettingType<TimeZoneSource> {
    static var timeZones: SettingType {
        SettingType(expectation: "host, none or the path of a folder of compiled time zones") {
            (text: String) throws(InvalidValue) -> TimeZoneSource in
            switch text {
            case "host": return .host
            case "none": return .none
            default:
                try checkPath(text)
                return .folder(text)
            }
        }
    }
}

extension SettingType<HostName> {
    static var hostName: SettingType {
        SettingType(expectation: "an address or a host name") {
            (text: String) throws(InvalidValue) -> HostName in
            try parseHostName(text)
        }
    }
}

extension SettingType<[HostName]> {
    static var hostNames: SettingType {
        SettingType(.list, expectation: "a list of addresses and host names") {
            (text: String) throws(InvalidValue) -> [HostName] in
            var names: [HostName] = []
            for element in ConfigurationList.elements(of: text) {
                names.append(try parseHostName(element))
            }
            return names
        }
    }
}

extension SettingType<[NamePattern]> {
    static var namePatterns: SettingType {
        patterns(of: "repositories") { (text: String) throws(NamePatternError) in
            try NamePattern(repositories: text)
        }
    }
}

extension SettingType<[TagPattern]> {
    static var tagPatterns: SettingType {
        patterns(of: "tags") { (text: String) throws(NamePatternError) in try TagPattern(text) }
    }
}

extension SettingType<[TagLifetime]> {
    static var tagLifetimes: SettingType {
        SettingType(.list, expectation: "a list of patterns of tags, each with a duration") {
            (text: String) throws(InvalidValue) -> [TagLifetime] in
            var lifetimes: [TagLifetime] = []
            for element in ConfigurationList.elements(of: text) {
                do throws(TagLifetimeError) {
                    lifetimes.append(try TagLifetime(element))
                } catch {
                    throw InvalidValue("does not say how long tags are there", advice: error.description)
                }
            }
            return lifetimes
        }
    }
}

extension SettingType<[RetentionRule]> {
    static var retentionRules: SettingType {
        SettingType(.list, expectation: "a list of patterns of repositories, each with what is kept there") {
            (text: String) throws(InvalidValue) -> [RetentionRule] in
            var rules: [RetentionRule] = []
            for element in ConfigurationList.elements(of: text) {
                do throws(RetentionRuleError) {
                    rules.append(try RetentionRule(element))
                } catch {
                    throw InvalidValue("is no rule of what is kept", advice: error.description)
                }
            }
            return rules
        }
    }
}

extension SettingType {
    /// A list of patterns of what `names` says.
    private static func patterns<Pattern: Sendable>(
        of names: String,
        _ parse: @escaping @Sendable (String) throws(NamePatternError) -> Pattern
    ) -> SettingType where Value == [Pattern] {
        SettingType(.list, expectation: "a list of patterns of \(names)") {
            (text: String) throws(InvalidValue) -> [Pattern] in
            var patterns: [Pattern] = []
            for element in ConfigurationList.elements(of: text) {
                do throws(NamePatternError) {
                    patterns.append(try parse(element))
                } catch {
                    throw InvalidValue("is no pattern of \(names)", advice: error.description)
                }
            }
            return patterns
        }
    }
}

extension SettingType<BaseURL> {
    static var baseURL: SettingType {
        SettingType(expectation: "an http or https address without a path") {
            (text: String) throws(InvalidValue) -> BaseURL in
            do throws(BaseURLError) {
                return try BaseURL(text)
            } catch {
                throw error.invalidValue
            }
        }
    }
}

/// The text of a list: its elements separated by commas, in which no element contains one.
enum ConfigurationList {
    /// Splits a list, dropping blanks around the elements; a blank text is the empty list.
    static func elements(of text: String) -> [String] {
        let elements = text.split(separator: ",", omittingEmptySubsequences: false).map { element in
            String(element.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        return elements == [""] ? [] : elements
    }

    static func text(of elements: [String]) -> String {
        elements.joined(separator: ",")
    }
}

private func checkPath(_ text: String) throws(InvalidValue) {
    guard !text.isEmpty else {
        throw InvalidValue("is no path", advice: "write . for the working directory")
    }
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
        throw InvalidValue("has a control character, which no path here may have")
    }
    // Only a shell knows what the sign means: here it would make a folder of that name.
    guard !text.hasPrefix("~") else {
        throw InvalidValue("begins with ~, which nothing expands here", advice: "write the whole path")
    }
}

private func parseHostName(_ text: String) throws(InvalidValue) -> HostName {
    do {
        return try HostName(text)
    } catch {
        throw error.invalidValue
    }
}
