/// Where the root certificates that a packaged image brings come from.
enum CABundle: Hashable, Sendable {
    /// The bundle of the machine that Berth runs on.
    case host
    /// Images bring no certificates.
    case none
    /// The bundle in this file, such as one with a company's own root.
    case file(String)
}
