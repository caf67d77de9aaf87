package import OCI

/// Which images an operation is about.
package struct ImageSelection: Hashable, Sendable {
    /// Some of the images of one repository.
    package enum Part: Hashable, Sendable {
        /// Everything that it holds, tagged or not.
        case repository(RepositoryName)
        /// What a tag points to, with everything that this lists.
        case tag(RepositoryName, Tag)
    }

    /// Nil for everything in the registry.
    package let parts: [Part]?

    /// Everything that all repositories hold.
    package static let everything = ImageSelection(all: nil)

    /// Selects these, each once, however often they are named or contained in each other.
    package init(_ parts: [Part]) {
        var seen: Set<Part> = []
        let whole = Set(parts.compactMap { if case .repository(let name) = $0 { name } else { nil } })
        self.init(
            all: parts.filter { part in
                if case .tag(let name, _) = part, whole.contains(name) { return false }
                return seen.insert(part).inserted
            }
        )
    }

    private init(all parts: [Part]?) { self.parts = parts }
}

extension ImageSelection.Part: CustomStringConvertible {
    package var description: String {
        switch self {
        case .repository(let name): name.description
        case .tag(let name, let tag): "\(name):\(tag)"
        }
    }
}
