import OCI

/// The name among those there are that somebody most likely meant; nil where none is near.
///
/// Counts insertions, deletions, replacements and swaps of neighbours, of which there may be one for every
/// three characters; upper and lower case are alike, and so are dashes and underscores.
package func nearestName(to name: String, among names: [String]) -> String? {
    let wanted = normalized(name)
    // Anything that long is no misspelling, and comparing it would take time.
    guard wanted.count <= 64 else { return nil }
    let candidates = names.map { (name: $0, distance: editDistance(wanted, normalized($0))) }
    let nearest = candidates.min { $0.distance < $1.distance }
    if let nearest, nearest.distance <= max(1, max(wanted.count, nearest.name.count) / 3) {
        return nearest.name
    }
    // An abbreviation, or a name with something behind it: entry, environment.
    return names.first { candidate in
        let candidate = normalized(candidate)
        return wanted.count >= 3 && candidate.starts(with: wanted) || wanted.starts(with: candidate)
    }
}

private func normalized(_ name: String) -> [UInt8] {
    name.lowercased().utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
}
