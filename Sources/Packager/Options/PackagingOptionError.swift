import OCI

/// Why options cannot be followed.
package enum PackagingOptionError: Error, Hashable, Sendable {
    /// There is no such option.
    case unknown(String)
    /// An option that is given once was given again.
    case repeated(PackagingOptions.Name)
    /// An option was repeated too often.
    case tooMany(PackagingOptions.Name)
    /// A value, or all of them together, are too long.
    case tooLong(PackagingOptions.Name)
    /// A value that the option does not take, and the rule that it breaks.
    case invalid(PackagingOptions.Name, String, String)
}

extension PackagingOptionError: CustomStringConvertible {
    package var description: String {
        typealias Limit = PackagingOptions.Limit
        switch self {
        case .unknown(let name):
            let names = PackagingOptions.Name.allCases.map(\.rawValue)
            let question = nearestName(to: name, among: names).map { " (did you mean '\($0)'?)" } ?? ""
            let list = names.joined(separator: ", ")
            return "there is no option '\(name.printable)'\(question); there are \(list)"
        case .repeated(let name): return "option '\(name.rawValue)' is given more than once"
        case .tooMany(let name):
            return "option '\(name.rawValue)' is given more than \(Limit.repetitions) times"
        case .tooLong(let name):
            return """
                option '\(name.rawValue)' is too long: a value has at most \(Limit.valueSize) bytes, and all \
                together \(Limit.totalSize)
                """
        case .invalid(let name, let value, let rule):
            return "option '\(name.rawValue)' cannot be '\(value.printable)': \(rule)"
        }
    }
}
