# Runs inside RT: sets the administrator's password, makes a queue, a field, people and the account integrations use.
# Reads the order and writes the answer as JSON, at the places the environment names.
use strict;
use warnings;
use JSON ();
use RT -init;
require RT::AuthToken;

sub slurp { open my $file, '<', $_[0] or die "$_[0]: $!"; local $/; return JSON::decode_json(<$file>) }
sub must { my ($ok, $message) = @_; die "$message\n" unless $ok; return $ok }

my $order  = slurp($ENV{ORDER});
my $system = RT->SystemUser;
my %answer = (people => {});

my $root = RT::User->new($system);
$root->Load('root');
must($root->SetPassword($order->{admin_password}));
$answer{admin_id} = int $root->id;

sub token {
    my ($user) = @_;
    my $token = RT::AuthToken->new($system);
    my ($ok, $message, $text) = $token->Create(Owner => $user->id, Description => 'tests');
    must($ok, $message);
    return $text;
}

sub person {
    my ($login, $person) = @_;
    my $user = RT::User->new($system);
    must($user->Create(
        Name => $login, RealName => $person->{name}, EmailAddress => $person->{mail},
        Password => $person->{password}, Privileged => 1,
    ));
    return $user;
}

for my $name (@{ $order->{queues} }) {
    my $queue = RT::Queue->new($system);
    must($queue->Create(Name => $name, CorrespondAddress => lc($name) . '@example.com'));
    $answer{queues}{$name} = int $queue->id;
}

my $field = RT::CustomField->new($system);
must($field->Create(Name => $order->{field}, Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket'));
my $everywhere = RT::Queue->new($system);
must($field->AddToObject($everywhere));
$answer{field} = int $field->id;

my $group = RT::Group->new($system);
must($group->CreateUserDefinedGroup(Name => 'Help desk'));
for my $login (sort keys %{ $order->{people} }) {
    my $user = person($login, $order->{people}{$login});
    must($group->AddMember($user->PrincipalId));
    $answer{people}{$login} = int $user->id;
}
for my $right (@{ $order->{desk_rights} }) {
    must($group->PrincipalObj->GrantRight(Right => $right, Object => $RT::System));
}

my $account = person($order->{login}, $order->{account});
for my $right (@{ $order->{rights} }) {
    must($account->PrincipalObj->GrantRight(Right => $right, Object => $RT::System));
}
$answer{account_id} = int $account->id;
$answer{token}      = token($account);
$answer{admin_token} = token($root);

open my $out, '>', $ENV{ANSWER} or die "$ENV{ANSWER}: $!";
print {$out} JSON::encode_json(\%answer);
close $out or die $!;
